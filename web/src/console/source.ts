import type { OutputListener } from '../run/run';

/** Where a console's output comes from: a run that is watched, or a recording that is played. */
export interface OutputSource {
  /** Hears of output, beginning with all that there was. */
  listen(listener: OutputListener): () => void;
}
