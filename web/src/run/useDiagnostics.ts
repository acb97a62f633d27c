import { useEffect, useState } from 'react';
import { lossyText } from '../api/data';
import { AnsiReader } from '../console/ansi';
import { type Diagnostic, diagnostics } from './diagnostics';
import type { Run } from './run';

const NONE: readonly Diagnostic[] = [];
const LOOK_AGAIN_MS = 300;

/** Messages stand near the beginning of what compilers write, and at the end of a trace; a program
 * that prints more than this has other things to say. */
const MOST_TEXT = 200_000;

/** The messages in the output of a run that speak of the given files. */
export function useDiagnostics(run: Run | null, files: readonly string[], entry: string): readonly Diagnostic[] {
  const [found, setFound] = useState(NONE);
  const all = files.join('\n');
  useEffect(() => {
    if (!run) return undefined;
    let text = '';
    let ansi = new AnsiReader();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const look = () => {
      timer ??= setTimeout(() => {
        timer = null;
        setFound(diagnostics(text, all.split('\n'), entry));
      }, LOOK_AGAIN_MS);
    };
    const stop = run.listen({
      clear() {
        text = '';
        ansi = new AnsiReader();
        look();
      },
      chunks(chunks) {
        for (const chunk of chunks) {
          if (chunk.kind !== 'compiler' && chunk.kind !== 'stdout' && chunk.kind !== 'stderr') continue;
          for (const token of ansi.push(lossyText(chunk.data))) if (token.kind === 'text') text += token.text;
        }
        if (text.length > MOST_TEXT) text = text.slice(-MOST_TEXT);
        look();
      },
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
      setFound(NONE);
    };
  }, [run, all, entry]);
  return found;
}
