import { useCallback, useEffect, useMemo } from 'react';
import { castHref, recording } from '../api/client';
import type { RecordingView } from '../api/generated';
import { Go } from '../app/TopBar';
import { asText, settings } from '../app/settings';
import { TerminalView } from '../console/TerminalView';
import { TextView } from '../console/TextView';
import { duration, moment } from '../lib/format';
import { useStore } from '../lib/store';
import { useLoaded } from '../lib/useLoaded';
import { Player } from '../run/player';
import { words } from '../run/status';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';

const SPEEDS = [0.25, 0.5, 1, 2, 4, 16];

/** A run, played back as it happened. */
export default function Replay({ id }: { id: string }) {
  const { value, error, again } = useLoaded(useCallback(() => recording(id), [id]));
  if (error) {
    return (
      <main className="p-4">
        <ErrorNotice error={error} doing="fetch the recording" onRetry={again} />
      </main>
    );
  }
  if (!value) return <p className="p-6 text-dim">Fetching the recording…</p>;
  return <Played recorded={value} />;
}

function Played({ recorded }: { recorded: RecordingView }) {
  const { execution, chunks } = recorded;
  const player = useMemo(() => new Player(chunks, lastMoment(recorded)), [chunks, recorded]);
  const state = useStore(player.state, (value) => value);
  const text = useStore(settings, asText) || !execution.terminal;

  useEffect(() => {
    player.play();
    return () => player.pause();
  }, [player]);

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-2">
        <h1 className="font-semibold">Replay</h1>
        <span className="text-dim">
          {execution.language} · {execution.entry} · {moment(execution.submitted_at_ms, Date.now())}
        </span>
        <span>{words(execution, null).text}</span>
        <span className="flex-1" />
        <Go to={`/runs/${execution.id}`} current={false} className="link hit">
          Open beside the code
        </Go>
        <a className="link hit" href={castHref(execution.id)} download={`${execution.id}.cast`}>
          .cast
        </a>
      </header>
      {chunks.length === 0 ? (
        <p className="p-6 text-dim">This run printed nothing.</p>
      ) : text ? (
        <TextView source={player} echo={!execution.terminal} places={null} />
      ) : (
        <TerminalView source={player} view={execution} run={null} fits={false} />
      )}
      <footer className="flex flex-wrap items-center gap-2 border-t border-line bg-panel px-2 py-1.5">
        <button
          type="button"
          className="btn btn-icon"
          aria-label={state.playing ? 'Pause' : 'Play'}
          onClick={() => (state.playing ? player.pause() : player.play())}
        >
          <Icon name={state.playing ? 'pause' : 'play'} />
        </button>
        <span className="min-w-32 text-center tabular-nums">
          {duration(state.at)} of {duration(player.length)}
        </span>
        <input
          type="range"
          className="min-h-8 min-w-40 flex-1 accent-(--accent)"
          aria-label="Moment"
          aria-valuetext={duration(state.at)}
          min={0}
          max={player.length}
          step={Math.max(1, Math.round(player.length / 1000))}
          value={state.at}
          onChange={(event) => {
            player.pause();
            player.seek(Number(event.target.value));
          }}
        />
        <label className="flex items-center gap-2">
          Speed
          <select className="field" value={state.speed} onChange={(event) => player.speed(Number(event.target.value))}>
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
        {state.typed !== '' && (
          <span className="max-w-60 truncate">
            <span className="text-dim">Typed: </span>
            <code>{visible(state.typed.slice(-200))}</code>
          </span>
        )}
      </footer>
    </main>
  );
}

/** The end of the attempt, on the recording's own clock. */
function lastMoment({ execution, chunks }: RecordingView): number {
  const run = chunks.find((chunk) => chunk.kind === 'phase' && chunk.phase === 'run');
  const wall = execution.measurements?.wall_us ?? 0;
  return run ? run.at_us + wall : 0;
}

/** Control characters as signs that can be seen. */
function visible(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\x00-\x1f\x7f]/g, (char) => (char === '\r' || char === '\n' ? '⏎' : char === '\x7f' ? '⌫' : `^${String.fromCharCode(char.charCodeAt(0) + 64)}`));
}
