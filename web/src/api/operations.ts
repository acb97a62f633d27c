// Watches how everything stands. Task tree: one connection at a time, one timer for the next one and
// one for a line that went dead. A page that nobody looks at is not connected.
import * as v from 'valibot';
import { backoffMs } from './backoff';
import { ApiError } from './error';
import { OperationsView } from './generated';
import { send } from './http';
import { SseParser } from './sse';
import { parseJson } from '../lib/json';

/** What a watch reports. */
export interface OperationsHandlers {
  view(view: OperationsView): void;
  /** It cannot be seen at the moment; it is tried again by itself. */
  lost(error: ApiError): void;
}

/** The edge says something every second, and at least every 15. */
const SILENCE_MS = 30_000;

/** Watches until the returned function is called. */
export function watchOperations(handlers: OperationsHandlers): () => void {
  let line: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const take = (data: string) => {
    const parsed = v.safeParse(OperationsView, parseJson(data));
    if (!parsed.success) throw new ApiError({ kind: 'unreadable', requestId: null });
    failures = 0;
    handlers.view(parsed.output);
  };
  const connect = async () => {
    const own = new AbortController();
    line = own;
    try {
      await read('/v1/operations/events', own, take);
      throw new ApiError({ kind: 'unreachable' });
    } catch (error) {
      if (line !== own) return;
      handlers.lost(error instanceof ApiError ? error : new ApiError({ kind: 'unreachable' }));
    }
    timer = setTimeout(() => void connect(), backoffMs(failures, Math.random()));
    failures += 1;
  };
  const stop = () => {
    clearTimeout(timer);
    const last = line;
    line = null;
    last?.abort();
  };
  const follow = () => {
    stop();
    if (document.visibilityState === 'visible') void connect();
  };
  document.addEventListener('visibilitychange', follow);
  follow();
  return () => {
    document.removeEventListener('visibilitychange', follow);
    stop();
  };
}

/** Reads the events of a stream until it ends, or until nothing has come for too long. */
async function read(path: string, line: AbortController, take: (data: string) => void): Promise<void> {
  const response = await send(path, { headers: { accept: 'text/event-stream' }, signal: line.signal, cache: 'no-store' });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const parser = new SseParser();
  let silence = setTimeout(() => line.abort(), SILENCE_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(() => line.abort(), SILENCE_MS);
      for (const event of parser.push(value)) take(event.data);
    }
  } finally {
    clearTimeout(silence);
    line.abort();
  }
}
