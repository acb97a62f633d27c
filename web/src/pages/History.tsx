import { useCallback, useEffect, useState } from 'react';
import * as client from '../api/client';
import { ApiError } from '../api/error';
import type { ExecutionView } from '../api/generated';
import { languages } from '../app/languages';
import { go, rename } from '../app/route';
import { session } from '../app/settings';
import { Go } from '../app/TopBar';
import { duration, moment, size } from '../lib/format';
import { useStore } from '../lib/store';
import { type Tone, words } from '../run/status';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';
import { type Filters, filtersOf, HistoryFilters, queryOf, wanted } from './HistoryFilters';

const TONES: Record<Tone, string> = { quiet: 'text-dim', busy: 'text-info', good: 'text-accent', bad: 'text-bad', ours: 'text-warn' };

/** The runs of the past. */
export default function History() {
  const [filters, setFilters] = useState<Filters>(() => filtersOf(location.search));
  const [rows, setRows] = useState<readonly ExecutionView[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { list } = useStore(languages, (value) => value);

  const load = useCallback(
    async (after: string | null) => {
      try {
        const page = await client.history({
          language: filters.language,
          ...wanted(filters, Date.now()),
          ...(filters.mine ? { session } : {}),
          ...(after === null ? {} : { after }),
        });
        setError(null);
        setNext(page.next ?? null);
        setRows((before) => (after === null ? page.executions : [...(before ?? []), ...page.executions]));
      } catch (failed) {
        if (!(failed instanceof ApiError)) throw failed;
        setError(failed);
      }
    },
    [filters],
  );
  useEffect(() => {
    // The rows come from outside and arrive later.
    void load(null);
  }, [load]);

  const choose = (next: Filters) => {
    // In the address, so that a reload and a step back find the same list.
    rename('/history', queryOf(next));
    setFilters(next);
  };
  const toggle = (id: string) =>
    setChosen((before) => (before.includes(id) ? before.filter((other) => other !== id) : [...before, id].slice(-2)));
  const [left, right] = chosen;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <h1 className="mr-2 text-base font-semibold">History</h1>
        <HistoryFilters filters={filters} list={list} choose={choose} />
        <button type="button" className="btn btn-line" onClick={() => void load(null)}>
          <Icon name="again" size={14} /> Refresh
        </button>
        <span className="flex-1" />
        <button
          type="button"
          className="btn btn-line"
          disabled={!left || !right}
          title="Choose two runs"
          onClick={() => left && right && go(`/diff/${left}/${right}`)}
        >
          Compare {chosen.length} of 2
        </button>
      </div>
      {error && <ErrorNotice error={error} doing="fetch the history" onRetry={() => void load(null)} />}
      <div className="min-h-0 flex-1 overflow-auto" tabIndex={0} role="region" aria-label="Runs">
        {rows?.length === 0 && !error && <p className="p-6 text-dim">No runs yet that fit.</p>}
        {rows && rows.length > 0 && (
          <table className="w-full border-collapse text-left">
            <thead className="sticky top-0 bg-panel">
              <tr className="text-dim">
                <th scope="col" className="w-10 px-3 py-1.5 font-normal"><span className="sr-only">Compare</span></th>
                <th scope="col" className="px-2 py-1.5 font-normal">When</th>
                <th scope="col" className="px-2 py-1.5 font-normal">Program</th>
                <th scope="col" className="px-2 py-1.5 font-normal">Outcome</th>
                <th scope="col" className="px-2 py-1.5 text-right font-normal max-md:hidden">Wall</th>
                <th scope="col" className="px-2 py-1.5 text-right font-normal max-md:hidden">Memory</th>
                <th scope="col" className="px-3 py-1.5 font-normal"><span className="sr-only">Open</span></th>
              </tr>
            </thead>
            <tbody>
              {rows.map((view) => (
                <Row key={view.id} view={view} chosen={chosen.includes(view.id)} toggle={toggle} />
              ))}
            </tbody>
          </table>
        )}
        {next && (
          <p className="p-3">
            <button type="button" className="btn btn-line" onClick={() => void load(next)}>
              Older runs
            </button>
          </p>
        )}
      </div>
    </main>
  );
}

function Row({ view, chosen, toggle }: { view: ExecutionView; chosen: boolean; toggle: (id: string) => void }) {
  const { text, tone } = words(view, null);
  const when = moment(view.submitted_at_ms, Date.now());
  return (
    <tr className={`border-t border-line hover:bg-panel ${chosen ? 'bg-raised' : ''}`}>
      <td className="px-2">
        <label className="hit">
          <span className="sr-only">Compare the run of {when}</span>
          <input type="checkbox" checked={chosen} onChange={() => toggle(view.id)} />
        </label>
      </td>
      <td className="px-2 py-1.5 whitespace-nowrap tabular-nums">
        <Go to={`/runs/${view.id}`} current={false} className="link hit">
          {when}
        </Go>
      </td>
      <td className="px-2 py-1.5">
        {view.language} <span className="text-dim max-sm:hidden">{view.entry}</span>
      </td>
      <td className={`px-2 py-1.5 ${TONES[tone]}`}>{text.replace(/ in .*/, '')}</td>
      <td className="px-2 py-1.5 text-right tabular-nums max-md:hidden">
        {view.measurements ? duration(view.measurements.wall_us) : ''}
      </td>
      <td className="px-2 py-1.5 text-right tabular-nums max-md:hidden">
        {view.measurements ? size(view.measurements.memory_peak_bytes) : ''}
      </td>
      <td className="px-3 py-1.5">
        {view.status === 'ended' && (
          <Go to={`/runs/${view.id}/replay`} current={false} className="link hit">
            Replay
          </Go>
        )}
      </td>
    </tr>
  );
}
