// Reads the text that services publish their numbers in (Prometheus exposition format 0.0.4).

/** One number with its labels. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All numbers at one moment. */
export interface Scrape {
  /** In milliseconds, by any clock that only goes forward. */
  readonly at: number;
  readonly samples: readonly Sample[];
  /** What each metric means, by its name. */
  readonly help: ReadonlyMap<string, string>;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads an exposition. What is not understood is left out. */
export function parse(text: string, at: number): Scrape {
  const samples: Sample[] = [];
  const help = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) {
      const [name, ...words] = line.slice(7).split(' ');
      if (name) help.set(name, words.join(' '));
    }
    const match = line.startsWith('#') ? null : LINE.exec(line);
    if (!match?.[1]) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of (match[2] ?? '').matchAll(LABEL)) {
      if (key) labels[key] = (value ?? '').replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
    }
    samples.push({ name: match[1], labels, value: Number(match[3]?.replace('Inf', 'Infinity')) });
  }
  return { at, samples, help };
}

/** The sum over all series whose metric's name ends so. `null` where there is none. */
export function sum(scrape: Scrape, ending: string, labels: Record<string, string> = {}): number | null {
  const fit = scrape.samples.filter((sample) => sample.name.endsWith(ending) && has(sample, labels));
  return fit.length === 0 ? null : fit.reduce((total, sample) => total + sample.value, 0);
}

/** How much a counter grew each second between two moments. */
export function rate(before: Scrape | undefined, now: Scrape, ending: string, labels: Record<string, string> = {}): number | null {
  const last = sum(now, ending, labels);
  const first = before ? sum(before, ending, labels) : null;
  if (!before || last === null) return null;
  // A counter that fell began anew with its process.
  const grown = first === null || first > last ? last : last - first;
  return (grown * 1000) / Math.max(1, now.at - before.at);
}

/** A quantile of what a histogram measured between two moments, in its own unit. */
export function quantile(before: Scrape | undefined, now: Scrape, ending: string, q: number, labels: Record<string, string> = {}): number | null {
  const name = `${ending}_bucket`;
  const last = buckets(now, name, labels);
  const first = before ? buckets(before, name, labels) : new Map<number, number>();
  const bounds = [...last.keys()].sort((a, b) => a - b);
  const grown = bounds.map((bound) => Math.max(0, (last.get(bound) ?? 0) - (first.get(bound) ?? 0)));
  const total = grown.at(-1) ?? 0;
  if (total <= 0) return null;
  const at = grown.findIndex((reached) => reached >= q * total);
  const upper = bounds[at] ?? Infinity;
  const lower = at > 0 ? (bounds[at - 1] ?? 0) : 0;
  if (upper === Infinity) return lower;
  const below = at > 0 ? (grown[at - 1] ?? 0) : 0;
  const inside = (grown[at] ?? 0) - below;
  return lower + ((upper - lower) * (q * total - below)) / Math.max(1, inside);
}

function buckets(scrape: Scrape, name: string, labels: Record<string, string>): Map<number, number> {
  const found = new Map<number, number>();
  for (const sample of scrape.samples) {
    if (!sample.name.endsWith(name) || !has(sample, labels)) continue;
    const bound = sample.labels['le'] === '+Inf' ? Infinity : Number(sample.labels['le']);
    found.set(bound, (found.get(bound) ?? 0) + sample.value);
  }
  return found;
}

function has(sample: Sample, labels: Record<string, string>): boolean {
  return Object.entries(labels).every(([name, value]) => sample.labels[name] === value);
}
