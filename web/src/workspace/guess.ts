// Which language a text that was pasted is in: by what only that language has.
import type { LanguageView } from '../api/generated';

/** In this order: what comes first is the surer sign. */
const MARKS: readonly (readonly [string, RegExp])[] = [
  ['php', /^\s*<\?php\b/],
  ['bash', /^#!.*\b(?:ba)?sh\b/],
  ['python', /^#!.*\bpython/],
  ['cpp', /^\s*#include\s*<\w+>|\bstd::(?:cout|cin|cerr|endl|string|vector|map)\b|\busing namespace\b/m],
  ['c', /^\s*#include\s*<[\w/]+\.h>/m],
  ['java', /\bpublic\s+static\s+void\s+main\b|\bSystem\.out\.print/],
  ['go', /^package \w+$[\s\S]*\bfunc\b/m],
  ['rust', /\bfn main\(\)|\bprintln!\(|^\s*use (?:std|crate)::/m],
  ['python', /^\s*(?:def|class) \w+.*:\s*(?:#.*)?$|^from [\w.]+ import |^if __name__ ==/m],
  ['typescript', /^\s*(?:export )?(?:interface \w+ \{|type \w+ =)|^\s*(?:const|let) \w+: \w+/m],
  ['javascript', /\bconsole\.log\(|=> \{|^\s*(?:const|let) \w+ =/m],
  ['ruby', /^\s*(?:puts|require) ['"\w][\s\S]*^\s*end\s*$|\.each do \|/m],
  ['sql', /^\s*(?:select\b[\s\S]+\bfrom\b|create table\b|insert into\b)/im],
];

/** What is also a program in the language that it stands in. */
const CONTAINED: Record<string, readonly string[]> = { cpp: ['c'], typescript: ['javascript'] };

/** Shorter ones are words, not programs. */
const LEAST_CHARS = 20;

/** What one change put into a text; `null` where it was typed rather than pasted. */
export function insertion(before: string, after: string): string | null {
  if (Math.abs(after.length - before.length) < 2) return null;
  const most = Math.min(before.length, after.length);
  let front = 0;
  while (front < most && before[front] === after[front]) front += 1;
  let back = 0;
  while (back < most - front && before[before.length - 1 - back] === after[after.length - 1 - back]) back += 1;
  // A line's end that was there before, in the same place, belongs to the lines that were put in.
  if (back > 0 && after[after.length - back] === '\n') back -= 1;
  const text = after.slice(front, after.length - back);
  return text.length >= LEAST_CHARS && text.includes('\n') ? text : null;
}

/** The language of a text, where it can hardly be the one that it stands in. */
export function languageOfText(text: string, current: string, list: readonly LanguageView[]): LanguageView | null {
  const found = MARKS.filter(([, mark]) => mark.test(text)).map(([id]) => id);
  const [first] = found;
  if (first === undefined || found.includes(current) || CONTAINED[current]?.includes(first)) return null;
  return list.find(({ id, available }) => id === first && available) ?? null;
}
