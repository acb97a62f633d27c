import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { dark } from '../app/settings';
import { colour } from '../editor/palette';
import { useStore } from '../lib/store';

/** A line of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly title: string;
  /** In seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
}

const COLOURS = ['ansi-2', 'ansi-4', 'ansi-5', 'ansi-3'];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
const HEIGHT = 160;

/** Lines over time. What it shows stands in a table as well, for those who cannot see a canvas. */
export function Chart({ title, times, lines, format }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = useStore(dark, (value) => value);
  const names = lines.map(({ name }) => name).join('\n');

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const axis = { stroke: colour('dim'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        cursor: { show: false },
        legend: { show: false },
        scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.15 : 1] } },
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map(format) }],
        series: [
          {},
          ...names.split('\n').map((label, at) => ({
            label,
            stroke: colour(COLOURS[at % COLOURS.length] ?? 'ink'),
            dash: DASHES[at % DASHES.length] ?? [],
            width: 1.5,
            points: { show: false },
          })),
        ],
      },
      [[], ...names.split('\n').map(() => [])],
      element,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [names, format, isDark]);

  useEffect(() => {
    plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])]);
  }, [times, lines, isDark]);

  return (
    <figure className="min-w-0 rounded-lg border border-line p-3">
      <figcaption className="mb-1 flex flex-wrap gap-x-3 font-medium">
        {title}
        {lines.map(({ name, values }, at) => (
          <span key={name} className="flex items-center gap-1.5 font-normal text-dim">
            <svg width="18" height="4" aria-hidden="true">
              <line x1="0" y1="2" x2="18" y2="2" strokeWidth="2" stroke={`var(--${COLOURS[at % COLOURS.length]})`} strokeDasharray={DASHES[at % DASHES.length]?.join(' ')} />
            </svg>
            {name} {lastOf(values, format)}
          </span>
        ))}
      </figcaption>
      <div ref={host} aria-hidden="true" className="h-40 min-w-0" />
    </figure>
  );
}

function lastOf(values: readonly (number | null)[], format: (value: number) => string): string {
  const last = values.at(-1);
  return last === null || last === undefined ? '–' : format(last);
}
