import { useCallback, useEffect, useState } from 'react';
import { ApiError } from '../api/error';

/** Something that is fetched: not there yet, there, or not to be had. */
export interface Loaded<T> {
  readonly value: T | null;
  readonly error: ApiError | null;
  readonly again: () => void;
}

/** Fetches something when the page is shown, and again when asked. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ value: T | null; error: ApiError | null }>({ value: null, error: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let gone = false;
    load().then(
      (value) => gone || setState({ value, error: null }),
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        if (!gone) setState({ value: null, error });
      },
    );
    return () => {
      gone = true;
    };
  }, [load, tries]);
  const again = useCallback(() => setTries((number) => number + 1), []);
  return { ...state, again };
}
