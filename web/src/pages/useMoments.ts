import { useEffect, useRef, useState } from 'react';
import { metrics } from '../api/client';
import { ApiError } from '../api/error';
import type { OperationsView } from '../api/generated';
import { watchOperations } from '../api/operations';
import { parse } from '../lib/prometheus';
import type { Moment } from './panels';

const EVERY_MS = 2000;
const KEPT = 150;

/** What the operations page knows. */
export interface Operations {
  /** The last five minutes, the newest at the end. */
  readonly moments: readonly Moment[];
  /** Queues, workers and dead letters, as they are said to be. */
  readonly view: OperationsView | null;
  /** Why something of it is old. */
  readonly error: ApiError | null;
}

/** Follows the numbers that the services publish, and hears of queues, workers and dead letters. */
export function useMoments(): Operations {
  const [moments, setMoments] = useState<readonly Moment[]>([]);
  const [view, setView] = useState<OperationsView | null>(null);
  const [errors, setErrors] = useState<{ numbers: ApiError | null; view: ApiError | null }>({ numbers: null, view: null });
  const last = useRef<OperationsView | null>(null);

  useEffect(
    () =>
      watchOperations({
        view(next) {
          last.current = next;
          setView(next);
          setErrors((before) => (before.view === null ? before : { ...before, view: null }));
        },
        lost(error) {
          last.current = null;
          setErrors((before) => ({ ...before, view: error }));
        },
      }),
    [],
  );
  useEffect(() => {
    const abort = new AbortController();
    const look = async () => {
      if (document.visibilityState === 'hidden') return;
      try {
        const scrape = parse(await metrics(abort.signal), Date.now());
        setErrors((before) => (before.numbers === null ? before : { ...before, numbers: null }));
        setMoments((before) => [...before, { scrape, view: last.current }].slice(-KEPT));
      } catch (failed) {
        if (failed instanceof ApiError) setErrors((before) => ({ ...before, numbers: failed }));
      }
    };
    void look();
    const timer = setInterval(() => void look(), EVERY_MS);
    return () => {
      clearInterval(timer);
      abort.abort();
    };
  }, []);
  return { moments, view, error: errors.view ?? errors.numbers };
}
