import type { Problem } from './generated';

/** Why a request came to nothing. What the caller can do about it differs by `kind`. */
export type Failure =
  /** The edge refused it and said why. */
  | { kind: 'refused'; problem: Problem }
  /** Ours: the edge, or what it needs, could not do it now. Trying again is safe and may help. */
  | { kind: 'ours'; problem: Problem | null; status: number; requestId: string | null; retryAfterMs: number | null }
  /** No answer came. */
  | { kind: 'unreachable' }
  /** An answer came that is not in our language. */
  | { kind: 'unreadable'; requestId: string | null };

/** A failed request. */
export class ApiError extends Error {
  constructor(readonly failure: Failure) {
    super(sentence(failure));
  }

  /** The id to quote when asking for help. */
  get requestId(): string | null {
    switch (this.failure.kind) {
      case 'refused':
        return this.failure.problem.request_id;
      case 'ours':
      case 'unreadable':
        return this.failure.requestId;
      case 'unreachable':
        return null;
    }
  }

  /** Whether it was not the sender's fault, so that the same request may go through later. */
  get ours(): boolean {
    return this.failure.kind !== 'refused';
  }

  /** Whether the edge knows no such thing. */
  get missing(): boolean {
    return this.failure.kind === 'refused' && [400, 404].includes(this.failure.problem.status);
  }
}

function sentence(failure: Failure): string {
  switch (failure.kind) {
    case 'refused':
      return failure.problem.detail;
    case 'ours':
      return failure.problem?.detail ?? `The server answered ${failure.status}.`;
    case 'unreachable':
      return 'The server cannot be reached.';
    case 'unreadable':
      return 'The server answered something that this page does not understand.';
  }
}
