import * as v from 'valibot';
import { ApiError } from './error';
import { Problem } from './generated';

/** Sends a request; anything but a 2xx is thrown as an `ApiError`. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError({ kind: 'unreachable' });
  }
  if (response.ok) return response;
  throw new ApiError(await failureOf(response));
}

/** Sends a request and reads its answer. */
export async function request<T>(
  schema: v.GenericSchema<unknown, T>,
  path: string,
  init: RequestInit = {},
): Promise<T> {
  const response = await send(path, init);
  const parsed = v.safeParse(schema, await response.json().catch(() => null));
  if (parsed.success) return parsed.output;
  throw new ApiError({ kind: 'unreadable', requestId: response.headers.get('x-request-id') });
}

async function failureOf(response: Response): Promise<ApiError['failure']> {
  const parsed = v.safeParse(Problem, await response.json().catch(() => null));
  const problem = parsed.success ? parsed.output : null;
  const requestId = problem?.request_id ?? response.headers.get('x-request-id');
  const busy = response.status === 429;
  if (problem && response.status < 500 && !busy) return { kind: 'refused', problem };
  if (response.status < 500 && !busy) return { kind: 'unreadable', requestId };
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  return { kind: 'ours', problem, status: response.status, requestId, retryAfterMs };
}
