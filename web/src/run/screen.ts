// What a viewer has been shown of one execution. Pure: messages in, screen out.
import type { Chunk, ExecutionView, Phase, ViewerMessage } from '../api/generated';

/** The screen of one execution. */
export interface Screen {
  readonly view: ExecutionView | null;
  /** What the program is in; of the attempt that counts. */
  readonly phase: Phase | null;
  /** The number of the next chunk. */
  readonly next: number;
  readonly cut: boolean;
  /** Whether it gave files back, or should have. */
  readonly gives: boolean;
  /** The last request of this viewer that was not applied. */
  readonly refusal: string | null;
}

/** A screen on which nothing has been shown. */
export const BLANK: Screen = { view: null, phase: null, next: 0, cut: false, gives: false, refusal: null };

/** What a message does to a screen. */
export interface Shown {
  readonly screen: Screen;
  /** Output that was shown before no longer counts. */
  readonly clear: boolean;
  /** What is new, in order. */
  readonly chunks: readonly Chunk[];
}

/** Shows a message. What was shown before is not shown again. */
export function show(screen: Screen, message: ViewerMessage): Shown {
  switch (message.type) {
    case 'event': {
      const clear = message.name === 'started' || message.name === 'retried';
      const view = message.execution;
      const base = clear ? { ...BLANK, refusal: null } : screen;
      return { screen: { ...base, view }, clear, chunks: [] };
    }
    case 'output': {
      const chunks = message.chunks.filter((chunk) => chunk.number >= screen.next);
      return { screen: chunks.reduce(after, screen), clear: false, chunks };
    }
    case 'error':
      return { screen: { ...screen, refusal: message.message }, clear: false, chunks: [] };
    case 'resume':
      return { screen, clear: false, chunks: [] };
  }
}

function after(screen: Screen, chunk: Chunk): Screen {
  return {
    ...screen,
    next: chunk.number + 1,
    phase: chunk.kind === 'phase' ? chunk.phase : screen.phase,
    cut: screen.cut || chunk.kind === 'cut',
    gives: screen.gives || chunk.kind === 'file' || chunk.kind === 'files_left',
  };
}
