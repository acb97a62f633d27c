// What a viewer has been shown of one execution. Pure: messages in, screen out.
import type { Chunk, ExecutionView, Phase, ViewerMessage } from '../api/generated';

/** The screen of one execution. */
export interface Screen {
  readonly view: ExecutionView | null;
  /** What the program is in; of the attempt that counts. */
  readonly phase: Phase | null;
  readonly cut: boolean;
  /** Whether it gave files back, or should have. */
  readonly gives: boolean;
  /** The last request of this viewer that was not applied. */
  readonly refusal: string | null;
}

/** A screen on which nothing has been shown. */
export const BLANK: Screen = { view: null, phase: null, cut: false, gives: false, refusal: null };

/** What a message does to a screen. */
export interface Shown {
  readonly screen: Screen;
  /** The number of the next chunk. */
  readonly next: number;
  /** Output that was shown before no longer counts. */
  readonly clear: boolean;
  /** What is new, in order. */
  readonly chunks: readonly Chunk[];
}

/** Shows a message where the next chunk has a number. What was shown before is not shown again. */
export function show(screen: Screen, next: number, message: ViewerMessage): Shown {
  switch (message.type) {
    case 'event': {
      const clear = message.name === 'started' || message.name === 'retried';
      const view = message.execution;
      return { screen: { ...(clear ? BLANK : screen), view }, next: clear ? 0 : next, clear, chunks: [] };
    }
    case 'output': {
      const chunks = message.chunks.filter((chunk) => chunk.number >= next);
      const after = (chunks.at(-1)?.number ?? next - 1) + 1;
      return { screen: chunks.reduce(behind, screen), next: after, clear: false, chunks };
    }
    case 'error':
      return { screen: { ...screen, refusal: message.message }, next, clear: false, chunks: [] };
    case 'resume':
      return { screen, next, clear: false, chunks: [] };
  }
}

/** The screen behind a chunk. */
function behind(screen: Screen, chunk: Chunk): Screen {
  return {
    ...screen,
    phase: chunk.kind === 'phase' ? chunk.phase : screen.phase,
    cut: screen.cut || chunk.kind === 'cut',
    gives: screen.gives || chunk.kind === 'file' || chunk.kind === 'files_left',
  };
}
