import { useEffect, useMemo, useState } from 'react';
import { metrics } from '../api/client';
import { ApiError } from '../api/error';
import { count, duration } from '../lib/format';
import { parse, quantile, rate, type Sample, type Scrape, sum } from '../lib/prometheus';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Chart } from './Chart';
import { DeadLetters, Queues, WorkerTable } from './Tables';

const EVERY_MS = 2000;
const KEPT = 150;

const perSecond = (value: number) => `${value < 10 ? value.toFixed(1) : count(value)}/s`;
const seconds = (value: number) => duration(value * 1e6);
/** Of things there is no half. */
const whole = (value: number) => (Number.isInteger(value) ? count(value) : '');

type Value = (before: Scrape | undefined, now: Scrape) => number | null;

interface Panel {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly (readonly [string, Value])[];
}

/** What is drawn. */
const PANELS: readonly Panel[] = [
  {
    title: 'Programs',
    format: perSecond,
    lines: [
      ['submitted', (before, now) => rate(before, now, 'submissions_total', { result: 'accepted' })],
      ['ended', (before, now) => rate(before, now, 'exec_runs_total')],
    ],
  },
  {
    title: 'Slots',
    format: whole,
    lines: [
      ['running', (_, now) => sum(now, 'exec_running')],
      ['there are', (_, now) => sum(now, 'exec_slots')],
    ],
  },
  {
    title: 'Time in the queue',
    format: seconds,
    lines: [
      ['half', (before, now) => quantile(before, now, 'exec_stage_duration_seconds', 0.5, { stage: 'queued' })],
      ['99 %', (before, now) => quantile(before, now, 'exec_stage_duration_seconds', 0.99, { stage: 'queued' })],
    ],
  },
  {
    title: 'Start to first output',
    format: seconds,
    lines: [
      ['half', (before, now) => quantile(before, now, 'exec_first_output_seconds', 0.5)],
      ['99 %', (before, now) => quantile(before, now, 'exec_first_output_seconds', 0.99)],
    ],
  },
  {
    title: 'Answers',
    format: perSecond,
    lines: [['requests', (before, now) => rate(before, now, 'http_request_duration_seconds_count')]],
  },
  {
    title: 'Time to answer a submission',
    format: seconds,
    lines: [
      ['half', (before, now) => quantile(before, now, 'http_request_duration_seconds', 0.5, { route: '/v1/executions', method: 'POST' })],
      ['99 %', (before, now) => quantile(before, now, 'http_request_duration_seconds', 0.99, { route: '/v1/executions', method: 'POST' })],
    ],
  },
  {
    title: 'Waiting in the queues',
    format: whole,
    lines: [
      ['waiting', (_, now) => sum(now, 'queue_waiting')],
      ['with a worker', (_, now) => sum(now, 'queue_leased')],
    ],
  },
  {
    title: 'Time to get a cell ready',
    format: seconds,
    lines: [
      ['half', (before, now) => quantile(before, now, 'exec_stage_duration_seconds', 0.5, { stage: 'prepare' })],
      ['99 %', (before, now) => quantile(before, now, 'exec_stage_duration_seconds', 0.99, { stage: 'prepare' })],
    ],
  },
  { title: 'Dead letters', format: whole, lines: [['there are', (_, now) => sum(now, 'dead_letters')]] },
  {
    title: 'Age of the oldest dead letter',
    format: seconds,
    lines: [['age', (_, now) => sum(now, 'dead_letter_oldest_age_seconds')]],
  },
  { title: 'Viewers', format: whole, lines: [['connected', (_, now) => sum(now, 'stream_clients')]] },
  {
    title: 'Events that the history has yet to read',
    format: whole,
    lines: [['waiting', (_, now) => sum(now, 'projector_lag_events')]],
  },
];

/** How the services are doing, from the numbers that they publish. */
export default function Operations() {
  const [scrapes, setScrapes] = useState<readonly Scrape[]>([]);
  const [error, setError] = useState<ApiError | null>(null);

  useEffect(() => {
    const abort = new AbortController();
    const look = async () => {
      if (document.visibilityState === 'hidden') return;
      try {
        const scrape = parse(await metrics(abort.signal), Date.now());
        setError(null);
        setScrapes((before) => [...before, scrape].slice(-KEPT));
      } catch (failed) {
        if (failed instanceof ApiError) setError(failed);
      }
    };
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);

  return (
    <main className="min-h-0 flex-1 overflow-y-auto p-4" tabIndex={-1}>
      <h1 className="mb-3 text-lg font-semibold">Operations</h1>
      {error && <ErrorNotice error={error} doing="fetch the numbers; it is tried again by itself" />}
      <Panels scrapes={scrapes} />
      <Queues scrape={scrapes.at(-1)} />
      <WorkerTable />
      <DeadLetters />
      <Table scrapes={scrapes} />
    </main>
  );
}

function Panels({ scrapes }: { scrapes: readonly Scrape[] }) {
  const times = useMemo(() => scrapes.map(({ at }) => at / 1000), [scrapes]);
  const panels = useMemo(
    () =>
      PANELS.map((panel) => ({
        ...panel,
        lines: panel.lines.map(([name, value]) => ({
          name,
          values: scrapes.map((scrape, at) => value(scrapes[at - 1], scrape)),
        })),
      })),
    [scrapes],
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
