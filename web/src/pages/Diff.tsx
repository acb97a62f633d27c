import { useCallback, useMemo } from 'react';
import * as client from '../api/client';
import { lossyText } from '../api/data';
import type { Data, ExecutionView, OutputView } from '../api/generated';
import { AnsiReader } from '../console/ansi';
import { Go } from '../app/TopBar';
import { duration, moment, size } from '../lib/format';
import { useLoaded } from '../lib/useLoaded';
import { type DiffLine, diffLines } from '../run/diff';
import { words } from '../run/status';
import { ErrorNotice } from '../ui/ErrorNotice';

interface Side {
  readonly view: ExecutionView;
  readonly output: OutputView;
}

async function fetchSide(id: string): Promise<Side> {
  const [view, output] = await Promise.all([client.execution(id), client.output(id)]);
  return { view, output };
}

/** What two runs have in common and what not. */
export default function Diff({ left, right }: { left: string; right: string }) {
  const load = useCallback(() => Promise.all([fetchSide(left), fetchSide(right)]), [left, right]);
  const { value, error, again } = useLoaded(load);
  if (error) {
    return (
      <main className="p-4">
        <ErrorNotice error={error} doing="fetch the two runs" onRetry={again} />
      </main>
    );
  }
  if (!value) return <p className="p-6 text-dim">Fetching both runs…</p>;
  const [a, b] = value;
  return (
    <main className="min-h-0 flex-1 overflow-y-auto p-4">
      <h1 className="mb-3 text-lg font-semibold">The difference of two runs</h1>
      <Facts a={a.view} b={b.view} />
      {(['compiler', 'stdout', 'stderr'] as const).map((stream) => (
        <Stream key={stream} name={stream} left={readable(a.output[stream])} right={readable(b.output[stream])} />
      ))}
    </main>
  );
}

function Facts({ a, b }: { a: ExecutionView; b: ExecutionView }) {
  const now = Date.now();
  const rows: [string, (view: ExecutionView) => string][] = [
    ['Submitted', (view) => moment(view.submitted_at_ms, now)],
    ['Language', (view) => view.language],
    ['Outcome', (view) => words(view, null).text],
    ['Wall time', (view) => (view.measurements ? duration(view.measurements.wall_us) : '–')],
    ['CPU time', (view) => (view.measurements ? duration(view.measurements.cpu_user_us + view.measurements.cpu_system_us) : '–')],
    ['Peak memory', (view) => (view.measurements ? size(view.measurements.memory_peak_bytes) : '–')],
    ['In the queue', (view) => (view.measurements ? duration(view.measurements.queued_us) : '–')],
  ];
  return (
    <div className="overflow-x-auto">
      <table className="mb-4 border-collapse text-left">
        <thead>
          <tr className="border-b border-line">
            <td />
            {[a, b].map((view, at) => (
              <th key={at} scope="col" className="px-3 py-1 font-medium">
                <Go to={`/runs/${view.id}`} current={false} className="link hit">
                  {at === 0 ? 'Left' : 'Right'}
                </Go>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of]) => (
            <tr key={name} className="border-b border-line">
              <th scope="row" className="py-1 pr-3 font-normal text-dim">
                {name}
              </th>
              <td className="px-3 py-1 tabular-nums">{of(a)}</td>
              <td className={`px-3 py-1 tabular-nums ${of(a) === of(b) ? '' : 'font-semibold'}`}>{of(b)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const NAMES = { compiler: 'Compiler', stdout: 'Standard output', stderr: 'Standard error' };
const SIGN: Record<DiffLine['side'], string> = { both: ' ', left: '-', right: '+' };
const COLOUR: Record<DiffLine['side'], string> = { both: '', left: 'bg-bad-soft text-bad', right: 'bg-raised text-accent' };
/** Equal lines around a difference that are shown. */
const AROUND = 3;

function Stream({ name, left, right }: { name: keyof typeof NAMES; left: string; right: string }) {
  const lines = useMemo(() => diffLines(left, right), [left, right]);
  if (left === '' && right === '') return null;
  return (
    <section className="mb-4">
      <h2 className="mb-1 font-semibold">
        {NAMES[name]} <span className="font-normal text-dim">{left === right ? 'is the same' : 'differs'}</span>
      </h2>
      {left !== right && (
        <div className="output rounded border border-line py-1" tabIndex={0} role="region" aria-label={`${NAMES[name]}, differences`}>
          {shorten(lines).map((line, at) =>
            line === null ? (
              <div key={at} className="px-2 text-dim">
                …
              </div>
            ) : (
              <div key={at} className={`px-2 ${COLOUR[line.side]}`}>
                {SIGN[line.side]} {line.text}
              </div>
            ),
          )}
        </div>
      )}
    </section>
  );
}

/** Without colours and other escapes. */
function readable(data: Data): string {
  const tokens = new AnsiReader().push(lossyText(data));
  return tokens.map((token) => (token.kind === 'text' ? token.text : '')).join('');
}

/** Without long stretches of equal lines; `null` stands for one. */
function shorten(lines: readonly DiffLine[]): (DiffLine | null)[] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.side === 'both') return;
    for (let other = at - AROUND; other <= at + AROUND; other += 1) near.add(other);
  });
  return lines.flatMap((line, at) => {
    if (near.has(at)) return [line];
    return near.has(at - 1) || at === 0 ? [null] : [];
  });
}
