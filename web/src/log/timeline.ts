// The same joining of an execution's two streams as schemas/src/timeline.rs.
import type { ExecutionEvent, OutputMessage } from './event';
import { ABSENT, type Execution, fold, nextAttempt, recordedAttempt } from './fold';

/** Something to show, in the one order that a viewer sees. */
export type Item =
  | { readonly kind: 'event'; readonly event: ExecutionEvent }
  | { readonly kind: 'output'; readonly batch: OutputMessage };

/** Joins lifecycle and output, however their messages interleave or repeat. */
export class Timeline {
  private seenStatus = 0;
  private seenOutput = 0;
  private nextChunk = 0;
  private early: OutputMessage[] = [];
  private end: ExecutionEvent | null = null;
  private folded: Execution = ABSENT;

  get execution(): Execution {
    return this.folded;
  }

  /** Whether the terminal event has been shown; nothing comes after it. */
  get over(): boolean {
    return this.folded.state.name === 'ended';
  }

  /** Takes a message of the lifecycle, with its sequence there. */
  pushEvent(sequence: number, event: ExecutionEvent): Item[] {
    if (sequence <= this.seenStatus || this.over) return [];
    this.seenStatus = sequence;
    if (lastOutput(event) > this.seenOutput) {
      this.end = event;
      return [];
    }
    return this.apply(event);
  }

  /** Takes a message of the recording, with its sequence there. */
  pushOutput(sequence: number, batch: OutputMessage): Item[] {
    if (sequence <= this.seenOutput || this.over) return [];
    this.seenOutput = sequence;
    const items: Item[] = [];
    if (recordedAttempt(this.folded) === batch.attempt) items.push(...this.fresh(batch));
    else if (batch.attempt >= nextAttempt(this.folded)) this.early.push(batch);
    if (this.end !== null && lastOutput(this.end) <= sequence) items.push(...this.endNow());
    return items;
  }

  /** Shows the terminal event although output before it is missing: the log no longer has it. */
  endNow(): Item[] {
    const event = this.end;
    this.end = null;
    return event === null ? [] : this.apply(event);
  }

  private apply(event: ExecutionEvent): Item[] {
    const before = this.folded;
    this.folded = fold(before, event);
    if (this.folded === before) return [];
    if (event.type === 'started') this.nextChunk = 0;
    const items: Item[] = [{ kind: 'event', event }];
    const early = this.early;
    this.early = [];
    for (const batch of early) {
      if (recordedAttempt(this.folded) === batch.attempt) items.push(...this.fresh(batch));
      else if (batch.attempt >= nextAttempt(this.folded)) this.early.push(batch);
    }
    return items;
  }

  private fresh(batch: OutputMessage): Item[] {
    const chunks = batch.chunks.filter((chunk) => chunk.number >= this.nextChunk);
    const last = chunks.at(-1);
    if (!last) return [];
    this.nextChunk = last.number + 1;
    return [{ kind: 'output', batch: { ...batch, chunks } }];
  }
}

function lastOutput(event: ExecutionEvent): number {
  const ends = event.type === 'finished' || event.type === 'dead';
  return ends ? (event.output.last_sequence ?? 0) : 0;
}
