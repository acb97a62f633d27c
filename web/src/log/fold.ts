// The same fold as schemas/src/execution.rs, tested with the same fixtures.
import type {
  AttemptView,
  Limits,
  Measurements,
  Outcome,
  OutputSummary,
  Priority,
  TerminalSize,
} from '../api/generated';
import type { ExecutionEvent, Submission } from './event';

/** What readers keep of a submission: everything but its bulk. */
export interface Origin {
  readonly language: string;
  readonly priority: Priority;
  readonly entry: string;
  readonly interactive: boolean;
  readonly terminal: TerminalSize | null;
  readonly limits: Limits;
  readonly queue_limit_ms: number;
  readonly session: string | null;
  readonly request_digest: string | null;
  readonly submitted_at_ms: number;
}

/** Where an execution stands. */
export type State =
  | { readonly name: 'absent' }
  | { readonly name: 'queued'; readonly next_attempt: number; readonly not_before_ms: number | null }
  | { readonly name: 'running'; readonly attempt: number; readonly cancelling: boolean }
  | ({ readonly name: 'ended' } & End);

/** How it ended. */
export interface End {
  readonly at_ms: number;
  readonly outcome: Outcome;
  readonly measurements: Measurements | null;
  readonly output: OutputSummary | null;
}

/** One execution, as the sum of what the log says about it. */
export interface Execution {
  readonly origin: Origin | null;
  readonly state: State;
  readonly attempts: readonly AttemptView[];
}

/** An execution of which nothing is known. */
export const ABSENT: Execution = { origin: null, state: { name: 'absent' }, attempts: [] };

/**
 * Folds one event into an execution. Total: an event that does not fit the current state leaves
 * it as it is, and the attempt's number makes a late or repeated one harmless.
 */
export function fold(execution: Execution, event: ExecutionEvent): Execution {
  const { state } = execution;
  const { at_ms } = event;
  switch (event.type) {
    case 'submitted':
      if (state.name !== 'absent') return execution;
      return {
        ...execution,
        origin: originOf(event.submission, at_ms),
        state: { name: 'queued', next_attempt: 1, not_before_ms: null },
      };
    case 'started':
      if (state.name === 'queued' && event.attempt === state.next_attempt) {
        return started(execution, event.attempt, event.worker, at_ms, false);
      }
      // The lease of the worker before ran out; the newer one takes over.
      if (state.name === 'running' && event.attempt === state.attempt + 1) {
        const lost = failed(execution, 'the worker was lost');
        return started(lost, event.attempt, event.worker, at_ms, state.cancelling);
      }
      return execution;
    case 'retried':
      if (state.name !== 'running' || event.attempt !== state.attempt) return execution;
      return {
        ...failed(execution, event.reason, event.handed_back),
        state: {
          name: 'queued',
          next_attempt: state.attempt + 1,
          not_before_ms: event.not_before_ms,
        },
      };
    case 'cancel_requested':
      if (state.name !== 'running') return execution;
      return { ...execution, state: { ...state, cancelling: true } };
    case 'finished': {
      if (state.name !== 'running' || event.attempt !== state.attempt) return execution;
      const { outcome, measurements, output } = event;
      return ended(execution, { at_ms, outcome, measurements, output });
    }
    case 'dead': {
      if (state.name !== 'running' || event.attempt !== state.attempt) return execution;
      const outcome = { kind: 'system_error', reason: event.reason } as const;
      const { output } = event;
      return ended(failed(execution, event.reason), { at_ms, outcome, measurements: null, output });
    }
    case 'cancelled':
    case 'expired':
      if (state.name !== 'queued') return execution;
      return ended(execution, {
        at_ms,
        outcome: { kind: event.type },
        measurements: null,
        output: null,
      });
  }
}

/** The attempt whose output counts: the one that runs, or the one that ended the execution. */
export function recordedAttempt({ state, attempts }: Execution): number | null {
  if (state.name === 'running') return state.attempt;
  if (state.name === 'ended' && state.output !== null) return attempts.at(-1)?.number ?? null;
  return null;
}

/** The number that a next attempt would have. */
export function nextAttempt({ attempts }: Execution): number {
  return (attempts.at(-1)?.number ?? 0) + 1;
}

function started(
  execution: Execution,
  attempt: number,
  worker: string,
  at_ms: number,
  cancelling: boolean,
): Execution {
  const view: AttemptView = { number: attempt, worker, started_at_ms: at_ms, failure: null };
  return {
    ...execution,
    attempts: [...execution.attempts, view],
    state: { name: 'running', attempt, cancelling },
  };
}

/** Notes why the attempt that runs came to nothing. */
function failed(execution: Execution, failure: string, handedBack = false): Execution {
  const last = execution.attempts.at(-1);
  if (!last) return execution;
  const attempt = handedBack ? { ...last, failure, handed_back: true } : { ...last, failure };
  return { ...execution, attempts: [...execution.attempts.slice(0, -1), attempt] };
}

function ended(execution: Execution, end: End): Execution {
  return { ...execution, state: { name: 'ended', ...end } };
}

function originOf(submission: Submission, submitted_at_ms: number): Origin {
  return {
    language: submission.language,
    priority: submission.priority,
    entry: submission.entry,
    interactive: submission.interactive,
    terminal: submission.terminal ?? null,
    limits: submission.limits,
    queue_limit_ms: submission.queue_limit_ms,
    session: submission.session ?? null,
    request_digest: submission.request_digest ?? null,
    submitted_at_ms,
  };
}
