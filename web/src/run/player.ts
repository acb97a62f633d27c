// Plays a recording with its own timing.
import { lossyText } from '../api/data';
import type { Chunk } from '../api/generated';
import type { OutputSource } from '../console/source';
import { Store } from '../lib/store';
import type { OutputListener } from './run';

/** Where the player stands. */
export interface PlayerState {
  readonly playing: boolean;
  /** In microseconds since the start of the attempt. */
  readonly at: number;
  readonly speed: number;
  /** The line that was typed last, as far as it had been typed. */
  readonly typed: string;
}

const TICK_MS = 16;

/** A player of one recording. */
export class Player implements OutputSource {
  readonly state = new Store<PlayerState>({ playing: false, at: 0, speed: 1, typed: '' });
  /** How long the recording is, in microseconds. */
  readonly length: number;
  private readonly listeners = new Set<OutputListener>();
  /** How many chunks have been shown. */
  private shown = 0;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly chunks: readonly Chunk[],
    endUs: number,
  ) {
    this.length = Math.max(endUs, chunks.at(-1)?.at_us ?? 0);
  }

  listen(listener: OutputListener): () => void {
    this.listeners.add(listener);
    listener.clear();
    listener.chunks(this.chunks.slice(0, this.shown));
    return () => this.listeners.delete(listener);
  }

  play(): void {
    if (this.timer !== null) return;
    if (this.state.get().at >= this.length) this.seek(0);
    this.state.set({ playing: true });
    let before = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      const { at, speed } = this.state.get();
      this.advance(at + (now - before) * 1000 * speed);
      before = now;
      if (this.state.get().at >= this.length) this.pause();
    }, TICK_MS);
  }

  pause(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.state.set({ playing: false });
  }

  speed(speed: number): void {
    this.state.set({ speed });
  }

  /** Goes to a moment; everything up to there is shown at once. */
  seek(to: number): void {
    if (to < this.state.get().at) {
      this.shown = 0;
      for (const listener of this.listeners) listener.clear();
      this.state.set({ at: 0, typed: '' });
    }
    this.advance(to);
  }

  private advance(to: number): void {
    const at = Math.min(Math.max(to, 0), this.length);
    const from = this.shown;
    while ((this.chunks[this.shown]?.at_us ?? Infinity) <= at) this.shown += 1;
    const due = this.chunks.slice(from, this.shown);
    const typed = due.reduce(typing, this.state.get().typed);
    this.state.set({ at, typed });
    if (due.length === 0) return;
    for (const listener of this.listeners) listener.chunks(due);
  }
}

/** A line that is typed, after one more chunk. */
function typing(line: string, chunk: Chunk): string {
  if (chunk.kind !== 'input') return line;
  const text = lossyText(chunk.data);
  return /[\r\n]$/.test(line) ? text : line + text;
}
