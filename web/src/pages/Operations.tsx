import { useMemo, useState } from 'react';
import { count } from '../lib/format';
import { rate, type Sample, type Scrape } from '../lib/prometheus';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Chart } from './Chart';
import { DeadLetters } from './DeadLetters';
import { type Moment, PANELS, perSecond } from './panels';
import { Queues, WorkerTable } from './Tables';
import { useMoments } from './useMoments';

/** How the services are doing. */
export default function Operations() {
  const { moments, view, error } = useMoments();
  const scrapes = useMemo(() => moments.map(({ scrape }) => scrape), [moments]);
  return (
    <main className="min-h-0 flex-1 overflow-y-auto p-4" tabIndex={0}>
      <h1 className="mb-3 text-lg font-semibold">Operations</h1>
      {error && <ErrorNotice error={error} doing="fetch the numbers; it is tried again by itself" />}
      {view?.stale_because && (
        <p role="alert" className="mb-3 border-l-3 border-warn bg-warn-soft px-3 py-2">
          Queues and dead letters are as they were: {view.stale_because}
        </p>
      )}
      <Panels moments={moments} />
      {view && <Queues queues={view.queues} />}
      {view && <WorkerTable workers={view.workers} />}
      <DeadLetters mark={view?.dead_letters ?? null} />
      <Table scrapes={scrapes} />
    </main>
  );
}

function Panels({ moments }: { moments: readonly Moment[] }) {
  const times = useMemo(() => moments.map(({ scrape }) => scrape.at / 1000), [moments]);
  const panels = useMemo(
    () =>
      PANELS.map((panel) => ({
        ...panel,
        lines: panel.lines.map(([name, value]) => ({
          name,
          values: moments.map((moment, at) => value(moments[at - 1], moment)),
        })),
      })),
    [moments],
  );
  return (
    <div className="mb-6 grid grid-cols-[repeat(auto-fill,minmax(min(22rem,100%),1fr))] gap-3">
      {panels.map(({ title, lines, format }) => (
        <Chart key={title} title={title} times={times} lines={lines} format={format} />
      ))}
    </div>
  );
}

const HIDDEN = /_bucket$/;

function Table({ scrapes }: { scrapes: readonly Scrape[] }) {
  const [wanted, setWanted] = useState('');
  const now = scrapes.at(-1);
  if (!now) return <p className="text-dim">Fetching the numbers…</p>;
  const rows = now.samples.filter((sample) => !HIDDEN.test(sample.name) && nameOf(sample).includes(wanted));
  return (
    <section>
      <div className="mb-2 flex flex-wrap items-center gap-3">
        <h2 className="font-semibold">All numbers</h2>
        <input className="field" type="search" placeholder="Filter" aria-label="Filter by name" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        <a className="link hit" href="/metrics">
          As text, for Prometheus
        </a>
      </div>
      <div className="overflow-x-auto">
        <table className="w-full border-collapse text-left">
          <thead>
            <tr className="border-b border-line text-dim">
              <th scope="col" className="py-1 pr-3 font-normal">Name</th>
              <th scope="col" className="px-3 py-1 text-right font-normal">Now</th>
              <th scope="col" className="px-3 py-1 text-right font-normal">Each second</th>
              <th scope="col" className="py-1 pl-3 font-normal max-md:hidden">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((sample) => (
              <tr key={nameOf(sample)} className="border-b border-line">
                <th scope="row" className="py-1 pr-3 font-mono text-xs font-normal break-all">{nameOf(sample)}</th>
                <td className="px-3 py-1 text-right tabular-nums">{plain(sample.value)}</td>
                <td className="px-3 py-1 text-right tabular-nums">{grown(scrapes.at(-2), now, sample)}</td>
                <td className="py-1 pl-3 text-dim max-md:hidden">{now.help.get(sample.name.replace(/_(count|sum)$/, '')) ?? now.help.get(sample.name)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function nameOf({ name, labels }: Sample): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

function plain(value: number): string {
  return Number.isInteger(value) ? count(value) : value.toPrecision(4);
}

function grown(before: Scrape | undefined, now: Scrape, sample: Sample): string {
  if (!before || !/_(total|count)$/.test(sample.name)) return '';
  const value = rate(before, now, sample.name, { ...sample.labels });
  return value === null ? '' : perSecond(value);
}
