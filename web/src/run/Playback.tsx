import { useEffect, useMemo } from 'react';
import type { RecordingView } from '../api/generated';
import { asText, settings } from '../app/settings';
import { TerminalView } from '../console/TerminalView';
import { TextView } from '../console/TextView';
import { duration } from '../lib/format';
import { useStore } from '../lib/store';
import { Icon } from '../ui/icons';
import { GivenFiles } from './GivenFiles';
import { Player } from './player';

const SPEEDS = [0.25, 0.5, 1, 2, 4, 16];

interface Props {
  readonly recorded: RecordingView;
  /** Whether it begins to play by itself; otherwise it shows the end. */
  readonly playing: boolean;
}

/** A recording, played back as it happened. */
export function Playback({ recorded, playing }: Props) {
  const { execution, chunks } = recorded;
  const player = useMemo(() => new Player(chunks, lastMoment(recorded)), [chunks, recorded]);
  const text = useStore(settings, asText) || !execution.terminal;

  useEffect(() => {
    if (playing && !matchMedia('(prefers-reduced-motion: reduce)').matches) player.play();
    else player.seek(player.length);
    return () => player.pause();
  }, [player, playing]);

  return (
    <>
      {chunks.length === 0 ? (
        <p className="flex-1 p-6 text-dim">This run printed nothing.</p>
      ) : text ? (
        <TextView source={player} echo={!execution.terminal} places={null} />
      ) : (
        <TerminalView source={player} view={execution} run={null} fits={false} places={null} />
      )}
      {chunks.some(({ kind }) => kind === 'file' || kind === 'files_left') && <GivenFiles id={execution.id} />}
      <Controls player={player} />
    </>
  );
}

function Controls({ player }: { player: Player }) {
  const state = useStore(player.state, (value) => value);
  return (
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
        className="min-h-8 pointer-coarse:min-h-11 min-w-40 flex-1 accent-(--accent)"
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
