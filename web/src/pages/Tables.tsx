// What the operations page lists: queues, workers, dead letters.
import { type ReactNode, useCallback, useEffect, useState } from 'react';
import * as client from '../api/client';
import { ApiError } from '../api/error';
import type { DeadLetterView, WorkerReport } from '../api/generated';
import { Go } from '../app/TopBar';
import { count, moment, size } from '../lib/format';
import { type Scrape, sum } from '../lib/prometheus';
import { randomId } from '../lib/random';
import { ErrorNotice } from '../ui/ErrorNotice';

const EVERY_MS = 5000;

interface TableProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly empty: string;
  readonly children: readonly ReactNode[];
}

function Table({ title, heads, empty, children }: TableProps) {
  return (
    <section className="mb-6">
      <h2 className="mb-1 font-semibold">{title}</h2>
      {children.length === 0 ? (
        <p className="text-dim">{empty}</p>
      ) : (
        <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={title}>
          <table className="w-full border-collapse text-left">
            <thead>
              <tr className="border-b border-line text-dim">
                {heads.map((head) => (
                  <th key={head} scope="col" className="py-1 pr-4 font-normal whitespace-nowrap">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

const CELL = 'border-b border-line py-1 pr-4 whitespace-nowrap tabular-nums';

/** What waits in each queue, from the numbers of the edge. */
export function Queues({ scrape }: { scrape: Scrape | undefined }) {
  if (!scrape) return null;
  const waiting = scrape.samples.filter(({ name }) => name.endsWith('queue_waiting'));
  const busy = waiting
    .map(({ labels, value }) => ({ labels, value, leased: sum(scrape, 'queue_leased', { ...labels }) ?? 0 }))
    .filter(({ value, leased }) => value + leased > 0);
  return (
    <Table title="Queues" heads={['Language', 'Priority', 'Waiting', 'With a worker']} empty={`Nothing waits in any of the ${count(waiting.length)} queues.`}>
      {busy.map(({ labels, value, leased }) => (
        <tr key={`${labels['language']} ${labels['priority']}`}>
          <td className={CELL}>{labels['language']}</td>
          <td className={CELL}>{labels['priority']}</td>
          <td className={CELL}>{count(value)}</td>
          <td className={CELL}>{count(leased)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** Fetches something again and again while the page is looked at. */
function usePolled<T>(load: (signal: AbortSignal) => Promise<T>): { value: T | null; error: ApiError | null; look: () => void } {
  const [state, setState] = useState<{ value: T | null; error: ApiError | null }>({ value: null, error: null });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const look = async () => {
      if (document.visibilityState === 'hidden') return;
      try {
        const value = await load(abort.signal);
        setState({ value, error: null });
      } catch (failed) {
        if (failed instanceof ApiError) setState(({ value }) => ({ value, error: failed }));
      }
    };
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, [load, asked]);
  const look = useCallback(() => setAsked((number) => number + 1), []);
  return { ...state, look };
}

/** The workers that have reported themselves lately. */
export function WorkerTable() {
  const { value, error } = usePolled(client.workers);
  if (error) return <ErrorNotice error={error} doing="ask for the workers; it is tried again by itself" />;
  if (!value) return null;
  return (
    <Table title="Workers" heads={['Name', 'State', 'Slots', 'Free', 'Memory', 'Engine', 'Languages', 'Since']} empty="No worker has reported itself in the last 30 seconds: nothing is run.">
      {value.workers.map((worker) => (
        <Worker key={worker.name} worker={worker} />
      ))}
    </Table>
  );
}

function Worker({ worker }: { worker: WorkerReport }) {
  const missing = worker.missing_layers ?? [];
  return (
    <tr>
      <td className={CELL}>{worker.name}</td>
      <td className={CELL}>
        {worker.draining ? 'drains' : 'works'}
        {missing.length > 0 && <span className="text-warn"> · without {missing.join(', ')}</span>}
      </td>
      <td className={CELL}>{worker.slots}</td>
      <td className={CELL}>{worker.free_slots}</td>
      <td className={CELL}>
        {size(worker.available_memory_bytes)} of {size(worker.memory_bytes)} free
      </td>
      <td className={CELL}>{worker.engine}</td>
      <td className={CELL} title={worker.languages.map(({ id, version }) => `${id} ${version ?? ''}`).join(', ')}>
        {worker.languages.length}
      </td>
      <td className={CELL}>{moment(worker.started_at_ms, Date.now())}</td>
    </tr>
  );
}

/** What was given up through our fault, and what can be done with it. */
export function DeadLetters() {
  const { value, error, look } = usePolled(client.deadLetters);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const act = async (doing: () => Promise<void>) => {
    try {
      setFailed(null);
      await doing();
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      setFailed(thrown);
    }
    look();
  };
  return (
    <>
      {(failed ?? error) && <ErrorNotice error={(failed ?? error) as ApiError} doing={failed ? 'do that' : 'ask for the dead letters; it is tried again by itself'} />}
      {value && (
        <Table title="Dead letters" heads={['When', 'Language', 'Attempts', 'Reason', 'Run', 'Do']} empty="None: nothing was given up.">
          {value.letters.map((letter) => (
            <Letter key={letter.id} letter={letter} act={(doing) => void act(doing)} />
          ))}
        </Table>
      )}
    </>
  );
}

function Letter({ letter, act }: { letter: DeadLetterView; act: (doing: () => Promise<void>) => void }) {
  // One key for as long as it is shown: a second click has nothing run twice.
  const [key] = useState(randomId);
  const { id, redriven_as: again } = letter;
  return (
    <tr>
      <td className={CELL}>{moment(letter.at_ms, Date.now())}</td>
      <td className={CELL}>{letter.language}</td>
      <td className={CELL}>{letter.attempts}</td>
      <td className="border-b border-line py-1 pr-4">{letter.reason}</td>
      <td className={CELL}>
        <Go to={`/runs/${id}`} current={false} className="link hit">
          Open
        </Go>
      </td>
      <td className={CELL}>
        {again ? (
          <Go to={`/runs/${again}`} current={false} className="link hit">
            Tried again
          </Go>
        ) : (
          <button type="button" className="btn btn-line" onClick={() => act(() => client.redrive(id, key))}>
            Try again
          </button>
        )}{' '}
        <button type="button" className="btn btn-line" onClick={() => act(() => client.dropLetter(id))}>
          Drop
        </button>
      </td>
    </tr>
  );
}
