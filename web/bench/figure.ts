// What was measured, and how it is told.

/** Bars, in milliseconds. */
export type Bars = Partial<Record<'p50' | 'p99' | 'max', number>>;

/** Some measurements of one thing, in milliseconds. */
export interface Figure {
  readonly name: string;
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly bars: Bars;
}

/** Sums measurements up. */
export function figure(name: string, times: readonly number[], bars: Bars): Figure {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { name, samples: times.length, p50: at(0.5), p99: at(0.99), max: at(1), bars };
}

/** Prints them as a table. */
export function print(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, samples, p50, p99, max, bars }) => [name, String(samples), ms(p50), ms(p99), ms(max), barred(bars)]);
  const all = [['in the page', 'n', 'p50', 'p99', 'max', 'bar'], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = all.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
  process.stdout.write(`\n${lines.join('\n')}\n`);
}

const round = (value: number) => Math.round(value * 10) / 10;
const ms = (value: number) => `${value} ms`;
const barred = (bars: Bars) => Object.entries(bars).map(([name, value]) => `${name} < ${value} ms`).join(', ');
