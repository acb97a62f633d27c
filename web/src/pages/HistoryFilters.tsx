import type { HistoryQuery } from '../api/client';
import type { LanguageView } from '../api/generated';

/** How a run stands or how it ended, as it is asked for and as it is called. */
const OUTCOMES: readonly (readonly [string, string])[] = [
  ['', 'Any outcome'],
  ['queued', 'Queued'],
  ['running', 'Running'],
  ['exited', 'Exited'],
  ['signaled', 'Died of a signal'],
  ['compile_error', 'Did not compile'],
  ['time_limit', 'Time limit'],
  ['memory_limit', 'Memory limit'],
  ['output_limit', 'Output limit'],
  ['cancelled', 'Stopped'],
  ['expired', 'Expired'],
  ['unsafe', 'Refused'],
  ['system_error', 'Our fault'],
];

const HOUR_MS = 3_600_000;
const AGES: readonly (readonly [string, string])[] = [
  ['', 'Any time'],
  ['1', 'Last hour'],
  ['24', 'Last 24 hours'],
  ['168', 'Last 7 days'],
];

/** What filters the list. An empty text filters nothing. */
export interface Filters {
  readonly mine: boolean;
  readonly language: string;
  /** An outcome, or a state before there is one. */
  readonly outcome: string;
  /** The oldest run, in hours before now. */
  readonly hours: string;
}

/** Reads the filters from an address. */
export function filtersOf(search: string): Filters {
  const query = new URLSearchParams(search);
  const known = (name: string, all: readonly (readonly [string, string])[]) => all.find(([value]) => value === query.get(name))?.[0] ?? '';
  return {
    mine: query.get('whose') !== 'all',
    language: query.get('language') ?? '',
    outcome: known('outcome', OUTCOMES),
    hours: known('hours', AGES),
  };
}

/** The filters as a part of an address. */
export function queryOf({ mine, language, outcome, hours }: Filters): string {
  const pairs = Object.entries({ whose: mine ? '' : 'all', language, outcome, hours }).filter(([, value]) => value !== '');
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}

/** What the edge is asked for. */
export function wanted({ outcome, hours }: Filters, now: number): HistoryQuery {
  const state = outcome === 'queued' || outcome === 'running';
  return {
    ...(state ? { status: outcome } : { outcome }),
    ...(hours === '' ? {} : { since_ms: now - Number(hours) * HOUR_MS }),
  };
}

interface Props {
  readonly filters: Filters;
  readonly list: readonly LanguageView[];
  readonly choose: (filters: Filters) => void;
}

/** What can be chosen. */
export function HistoryFilters({ filters, list, choose }: Props) {
  const { mine, language, outcome, hours } = filters;
  return (
    <>
      <Choice label="Whose runs" value={mine ? 'mine' : 'all'} options={[['mine', 'From this browser'], ['all', "Everybody's"]]} choose={(to) => choose({ ...filters, mine: to === 'mine' })} />
      <Choice label="Language" value={language} options={[['', 'Any language'], ...list.map(({ id, name }) => [id, name] as const)]} choose={(to) => choose({ ...filters, language: to })} />
      <Choice label="Outcome" value={outcome} options={OUTCOMES} choose={(to) => choose({ ...filters, outcome: to })} />
      <Choice label="Time" value={hours} options={AGES} choose={(to) => choose({ ...filters, hours: to })} />
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly choose: (value: string) => void;
}

function Choice({ label, value, options, choose }: ChoiceProps) {
  return (
    <select className="field" aria-label={label} value={value} onChange={(event) => choose(event.target.value)}>
      {options.map(([key, name]) => (
        <option key={key} value={key}>
          {name}
        </option>
      ))}
    </select>
  );
}
