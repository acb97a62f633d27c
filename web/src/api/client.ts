// Everything that the page asks of an edge, apart from live streams (see live.ts).
import {
  Accepted,
  DeadLetterPage,
  ExecutionPage,
  ExecutionView,
  FilesView,
  Languages,
  OutputView,
  ProgramView,
  RecordingView,
  type RerunRequest,
  SnippetCreated,
  type SnippetRequest,
  SnippetView,
  type SubmitRequest,
} from './generated';
import { request, send } from './http';

const at = (id: string) => `/v1/executions/${encodeURIComponent(id)}`;

/** What filters the history; what is left out filters nothing. */
export interface HistoryQuery {
  session?: string;
  language?: string;
  status?: string;
  outcome?: string;
  since_ms?: number;
  after?: string;
  limit?: number;
}

/** Submits a program. The same `key` never runs it twice, so sending it again is safe. */
export function submit(body: SubmitRequest, key: string, signal?: AbortSignal) {
  return request(Accepted, '/v1/executions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** Asks for the end of a run. */
export async function cancel(id: string): Promise<void> {
  await send(`${at(id)}/cancel`, { method: 'POST' });
}

export const languages = (signal?: AbortSignal) =>
  request(Languages, '/v1/languages', { signal: signal ?? null });

export const execution = (id: string) => request(ExecutionView, at(id));

export const output = (id: string) => request(OutputView, `${at(id)}/output`);

export const recording = (id: string) => request(RecordingView, `${at(id)}/recording`);

/** The files that a run gave back. */
export const files = (id: string) => request(FilesView, `${at(id)}/files`);

/** The program of a run, as it was sent. */
export const program = (id: string) => request(ProgramView, `${at(id)}/program`);

/** Runs a program of the past once more. The same `key` never does it twice. */
export function rerun(id: string, session: string, key: string) {
  return request(Accepted, `${at(id)}/rerun`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ session, priority: 'interactive' } satisfies RerunRequest),
  });
}

/** What was given up, the oldest first. */
export const deadLetters = () => request(DeadLetterPage, '/v1/dead-letters');

/** Has a dead letter tried again, as a new execution. The same `key` never does it twice. */
export async function redrive(id: string, key: string): Promise<void> {
  await send(`/v1/dead-letters/${encodeURIComponent(id)}/redrive`, { method: 'POST', headers: { 'idempotency-key': key } });
}

/** Throws a dead letter away. */
export async function dropLetter(id: string): Promise<void> {
  await send(`/v1/dead-letters/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

/** Shares a program. The same `key` never makes two links of it. */
export function share(body: SnippetRequest, key: string) {
  return request(SnippetCreated, '/v1/snippets', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
}

/** A program that was shared. */
export const snippet = (id: string) => request(SnippetView, `/v1/snippets/${encodeURIComponent(id)}`);

/** A page of the history, newest first. */
export function history(query: HistoryQuery, signal?: AbortSignal) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  return request(ExecutionPage, `/v1/executions?${search.toString()}`, { signal: signal ?? null });
}

/** Where a recording can be fetched for asciinema. */
export const castHref = (id: string) => `${at(id)}/recording?format=cast`;

/** Where the kept bytes of a stream can be fetched. */
export const outputHref = (id: string, stream: 'stdout' | 'stderr' | 'compiler') =>
  `${at(id)}/output?stream=${stream}`;

/** The numbers that the edge publishes, as text. */
export async function metrics(signal?: AbortSignal): Promise<string> {
  return (await send('/metrics', { signal: signal ?? null })).text();
}
