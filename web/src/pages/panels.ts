// What the operations page draws: from the numbers that the services publish, and from what is seen
// of queues and workers.
import type { OperationsView } from '../api/generated';
import { count, duration } from '../lib/format';
import { quantile, rate, type Scrape, sum } from '../lib/prometheus';

/** Everything that is known of one moment. */
export interface Moment {
  readonly scrape: Scrape;
  readonly view: OperationsView | null;
}

/** A chart. */
export interface Panel {
  readonly title: string;
  readonly format: (value: number) => string;
  readonly lines: readonly (readonly [string, (before: Moment | undefined, now: Moment) => number | null])[];
}

/** A rate, for people. */
export const perSecond = (value: number) => `${value < 10 ? value.toFixed(1) : count(value)}/s`;
const seconds = (value: number) => (value === 0 ? '0 s' : duration(value * 1e6));
/** Of things there is no half. */
const whole = (value: number) => (Number.isInteger(value) ? count(value) : '');

type Labels = Record<string, string>;
const now = (name: string) => (_: Moment | undefined, { scrape }: Moment) => sum(scrape, name);
const each = (name: string, labels?: Labels) => (before: Moment | undefined, { scrape }: Moment) => rate(before?.scrape, scrape, name, labels);
const part = (name: string, q: number, labels?: Labels) => (before: Moment | undefined, { scrape }: Moment) => quantile(before?.scrape, scrape, name, q, labels);
const halfAndMost = (name: string, labels?: Labels): Panel['lines'] => [
  ['half', part(name, 0.5, labels)],
  ['99 %', part(name, 0.99, labels)],
];
const total = (of: (view: OperationsView) => readonly number[]) => (_: Moment | undefined, { view }: Moment) => view && of(view).reduce((all, one) => all + one, 0);

const SUBMIT = { route: '/v1/executions', method: 'POST' };

/** All charts, in the order in which they are shown. */
export const PANELS: readonly Panel[] = [
  {
    title: 'Programs',
    format: perSecond,
    lines: [
      ['submitted', each('submissions_total', { result: 'accepted' })],
      ['ended', each('exec_runs_total')],
    ],
  },
  {
    title: 'Slots',
    format: whole,
    lines: [
      ['busy', total(({ workers }) => workers.map(({ slots, free_slots }) => slots - free_slots))],
      ['there are', total(({ workers }) => workers.map(({ slots }) => slots))],
    ],
  },
  {
    title: 'Waiting in the queues',
    format: whole,
    lines: [
      ['waiting', total(({ queues }) => queues.map(({ waiting }) => waiting))],
      ['with a worker', total(({ queues }) => queues.map(({ leased }) => leased))],
    ],
  },
  {
    title: 'Age of the oldest that waits',
    format: seconds,
    lines: [['age', (_, { view }) => view && Math.max(0, ...view.queues.map(({ oldest_age_ms: age }) => age ?? 0)) / 1000]],
  },
  { title: 'Time in the queue', format: seconds, lines: halfAndMost('exec_stage_duration_seconds', { stage: 'queued' }) },
  { title: 'Start to first output', format: seconds, lines: halfAndMost('exec_first_output_seconds') },
  { title: 'Answers', format: perSecond, lines: [['requests', each('http_request_duration_seconds_count')]] },
  { title: 'Time to answer a submission', format: seconds, lines: halfAndMost('http_request_duration_seconds', SUBMIT) },
  {
    title: 'Sandboxes that wait',
    format: whole,
    lines: [['ready', total(({ workers }) => workers.flatMap(({ parked }) => (parked ?? []).map(({ cells }) => cells)))]],
  },
  { title: 'Time to get a sandbox ready', format: seconds, lines: halfAndMost('exec_stage_duration_seconds', { stage: 'prepare' }) },
  { title: 'Dead letters', format: whole, lines: [['there are', now('dead_letters')]] },
  { title: 'Age of the oldest dead letter', format: seconds, lines: [['age', now('dead_letter_oldest_age_seconds')]] },
  { title: 'Viewers', format: whole, lines: [['connected', now('stream_clients')]] },
  { title: 'Events that the history has yet to read', format: whole, lines: [['waiting', now('projector_lag_events')]] },
];
