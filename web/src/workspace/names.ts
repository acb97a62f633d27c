import type { LanguageView } from '../api/generated';

const LONGEST_BYTES = 255;

/** What is wrong with a file's name; `null` where nothing is. */
export function nameProblem(name: string, others: readonly string[]): string | null {
  if (name === '') return 'A file needs a name.';
  if (name === '.' || name === '..') return 'This name means a folder.';
  if (/[/\\]/.test(name)) return 'A name cannot contain a slash; there are no folders.';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(name)) return 'A name cannot contain control characters.';
  if (new TextEncoder().encode(name).length > LONGEST_BYTES) {
    return `A name has at most ${LONGEST_BYTES} bytes.`;
  }
  if (others.includes(name)) return 'There is a file of this name already.';
  return null;
}

/** A name like `wanted` that is not taken: `a.py`, `a-2.py`, `a-3.py`. */
export function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  const dot = wanted.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [wanted.slice(0, dot), wanted.slice(dot)] : [wanted, ''];
  for (let n = 2; ; n += 1) {
    const name = `${stem}-${n}${ending}`;
    if (!taken.includes(name)) return name;
  }
}

/**
 * The language that files of these names are written in, where that is another one than `current`
 * and can be told from their endings.
 */
export function languageOfNames(files: readonly string[], current: string, list: readonly LanguageView[]): LanguageView | null {
  const endings = files.map((name) => name.split('.').at(-1)?.toLowerCase() ?? '');
  const speaks = ({ extensions }: LanguageView) => endings.some((ending) => extensions.includes(ending));
  const fit = list.filter(speaks);
  return fit.some(({ id }) => id === current) ? null : (fit.find(({ available }) => available) ?? null);
}
