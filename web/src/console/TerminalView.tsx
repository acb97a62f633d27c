import { useEffect, useRef, useState } from 'react';
import { bytesOf, dataOf } from '../api/data';
import type { Chunk, ExecutionView } from '../api/generated';
import { dark, settings } from '../app/settings';
import { measure } from '../app/state';
import { useStore } from '../lib/store';
import { placeIn } from '../run/diagnostics';
import type { Run } from '../run/run';
import type { Places } from './Line';
import type { OutputSource } from './source';
import { TextView } from './TextView';
import type { TerminalPort } from './xterm';

interface Props {
  readonly source: OutputSource;
  readonly view: ExecutionView | null;
  /** Where what is typed goes, while something can be typed. */
  readonly run: Run | null;
  /** Whether this page decides on the terminal's size; elsewhere it has the size of the recording. */
  readonly fits: boolean;
  /** Where messages of compilers lead to. */
  readonly places: Places | null;
}

/** Output older than this was answered before this page saw it. */
const FRESH_MS = 2000;

const NOTES: Partial<Record<Chunk['kind'], string>> = {
  cut: '\r\n\x1b[2m[output cut off here: the limit was met]\x1b[0m\r\n',
};

/** The output of a program on a terminal. Until the terminal is loaded, and where that fails, text. */
export function TerminalView({ source, view, run, fits, places }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const port = useRef<TerminalPort | null>(null);
  const target = useRef({ run, view, fits, places });
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  const isDark = useStore(dark, (value) => value);
  const spoken = useStore(settings, ({ screenReader }) => screenReader);
  const size = view?.terminal;
  const columns = size?.columns;
  const rows = size?.rows;

  useEffect(() => {
    target.current = { run, view, fits, places };
  });

  useEffect(() => {
    let gone = false;
    import('./xterm').then(
      ({ openTerminal }) => {
        const element = host.current;
        if (gone || !element) return;
        port.current = openTerminal(element, {
          input: (bytes) => target.current.run?.say({ type: 'stdin', data: dataOf(bytes) }),
          leads: (line) => {
            const to = target.current.places;
            const place = to && placeIn(line, to.files, to.entry);
            return place && (() => to.open(place));
          },
          resized: (toColumns, toRows) => {
            if (!target.current.fits) return;
            measure(toColumns, toRows);
            target.current.run?.say({ type: 'resize', columns: toColumns, rows: toRows });
          },
        });
        setState('ready');
      },
      () => setState('failed'),
    );
    return () => {
      gone = true;
      port.current?.dispose();
      port.current = null;
    };
  }, []);

  useEffect(() => {
    if (state !== 'ready') return undefined;
    const written = (chunk: Chunk) => {
      const terminal = port.current;
      if (!terminal) return;
      const { view: now, run: live, fits: own } = target.current;
      if (chunk.kind === 'resize' && !own) terminal.size(chunk);
      const note = NOTES[chunk.kind];
      if (note) terminal.write(new TextEncoder().encode(note), false);
      if (chunk.kind !== 'stdout' && chunk.kind !== 'stderr' && chunk.kind !== 'compiler') return;
      const age = Date.now() - (now?.started_at_ms ?? 0) - chunk.at_us / 1000;
      const bytes = bytesOf(chunk.data);
      terminal.write(chunk.kind === 'compiler' ? withReturns(bytes) : bytes, live !== null && own && age < FRESH_MS);
    };
    return source.listen({
      clear: () => port.current?.clear(),
      chunks: (chunks) => chunks.forEach(written),
    });
  }, [state, source]);

  useEffect(() => {
    if (state !== 'ready') return;
    port.current?.size(fits || columns === undefined || rows === undefined ? null : { columns, rows });
  }, [state, fits, columns, rows]);
  useEffect(() => {
    port.current?.enable(run !== null);
    if (run !== null && !touching()) port.current?.focus();
  }, [state, run]);
  useEffect(() => port.current?.theme(), [isDark]);
  useEffect(() => port.current?.screenReader(spoken), [spoken, state]);

  return (
    <div className={`relative min-h-0 flex-1 ${fits ? 'overflow-hidden' : 'overflow-auto'}`}>
      {state !== 'ready' && <TextView source={source} echo={false} places={null} />}
      <div ref={host} className="absolute inset-0" data-testid="terminal" hidden={state === 'failed'} />
    </div>
  );
}

/** A compiler writes into a pipe, whose line ends do not return to the left by themselves. */
function withReturns(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (const byte of bytes) {
    if (byte === 10) out.push(13);
    out.push(byte);
  }
  return Uint8Array.from(out);
}

function touching(): boolean {
  return matchMedia('(pointer: coarse)').matches;
}
