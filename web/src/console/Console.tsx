import { useEffect, useMemo, useRef } from 'react';
import { castHref, outputHref } from '../api/client';
import { go } from '../app/route';
import { activate, activeRun, close, isMine, runs } from '../app/runs';
import { asText, choose, settings } from '../app/settings';
import { useStore } from '../lib/store';
import type { Run } from '../run/run';
import { Again } from '../run/Again';
import { GivenFiles } from '../run/GivenFiles';
import { StatusLine, statusOf } from '../run/StatusLine';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';
import { Menu } from '../ui/Menu';
import { InputLine } from './InputLine';
import type { Places } from './Line';
import { TerminalView } from './TerminalView';
import { TextView } from './TextView';

/** The consoles of all open runs, one shown at a time. */
export function Console({ places }: { places: Places }) {
  const { open } = useStore(runs, (value) => value);
  const run = useStore(runs, activeRun);
  return (
    <section aria-label="Console" className="flex h-full min-h-0 flex-col bg-bg" data-pane="console" tabIndex={-1}>
      {open.length > 0 && (
        <div className="flex min-h-10 items-center gap-1 overflow-x-auto border-b border-line bg-panel px-2">
          {open.map((one) => (
            <Tab key={one.key} run={one} shown={one === run} />
          ))}
        </div>
      )}
      {run ? <Shown key={run.key} run={run} places={places} /> : <Empty />}
    </section>
  );
}

function Tab({ run, shown }: { run: Run; shown: boolean }) {
  const state = useStore(run.state, (value) => value);
  const tab = useRef<HTMLSpanElement>(null);
  const name = `Run ${run.number}`;
  useEffect(() => {
    if (shown) tab.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shown]);
  return (
    <span ref={tab} className={`flex shrink-0 items-center rounded-md ${shown ? 'bg-raised' : ''}`}>
      <button
        type="button"
        aria-current={shown ? 'true' : undefined}
        className="btn pr-1"
        title={statusOf(state).text}
        onClick={() => activate(run)}
      >
        {name}
        <span className="text-dim">{state.view?.language ?? ''}</span>
      </button>
      <button type="button" className="btn btn-icon" aria-label={`Close ${name}`} title="Close; the program is not stopped" onClick={() => close(run)}>
        <Icon name="close" size={12} />
      </button>
    </span>
  );
}

function Empty() {
  return (
    <div className="grid flex-1 place-items-center p-6 text-center text-dim">
      <p>
        What your program prints appears here while it runs.
        <br />
        Every run is kept and can be replayed.
      </p>
    </div>
  );
}

function Shown({ run, places }: { run: Run; places: Places }) {
  const state = useStore(run.state, (value) => value);
  const prefersText = useStore(settings, asText);
  const { view, error, id } = state;
  const onTerminal = run.onTerminal || Boolean(view?.terminal);
  const shownAsText = !onTerminal || prefersText;
  const types = run.interactive || Boolean(view?.interactive);
  const canType = types && view?.status !== 'ended' && !error;
  const own = useMemo(() => ({ ...places, files: run.files.length > 0 ? run.files : places.files }), [places, run]);
  return (
    <>
      {error && (
        <ErrorNotice error={error} doing={id === null ? 'send the program' : 'show this run'} onRetry={() => run.retry()} />
      )}
      {error?.missing && id !== null && (
        <p className="px-3 py-2">Its address may be mistyped, or it is older than what this server keeps. Your own code is untouched.</p>
      )}
      {shownAsText ? (
        <TextView source={run} echo={!onTerminal} places={own} />
      ) : (
        <TerminalView source={run} view={view} run={canType ? run : null} fits={isMine(run)} places={own} />
      )}
      {state.gives && id !== null && view?.status === 'ended' && <GivenFiles id={id} />}
      {canType && shownAsText && <InputLine run={run} />}
      {state.refusal && canType && (
        <p role="alert" className="border-t border-line bg-warn-soft px-3 py-1">
          Not taken by the program: {state.refusal}
        </p>
      )}
      <footer className="flex min-h-9 items-center gap-2 border-t border-line bg-panel pr-1 pl-3">
        <div className="min-w-0 flex-1">
          <StatusLine run={run} />
        </div>
        {state.cut && id && (
          <a className="link shrink-0" href={outputHref(id, 'stdout')} download={`${id}.txt`}>
            Output was cut; download what was kept
          </a>
        )}
        <RunMenu run={run} id={id} onTerminal={onTerminal} asText={shownAsText} ended={view?.status === 'ended'} />
      </footer>
    </>
  );
}

interface RunMenuProps {
  readonly run: Run;
  readonly id: string | null;
  readonly onTerminal: boolean;
  readonly asText: boolean;
  readonly ended: boolean;
}

function RunMenu({ run, id, onTerminal, asText: shownAsText, ended }: RunMenuProps) {
  if (id === null) return null;
  return (
    <Menu label="More about this run">
      <button type="button" className="btn justify-start" disabled={!ended} onClick={() => go(`/runs/${id}/replay`)}>
        <Icon name="play" /> Replay with its own timing
      </button>
      <Again id={id} />
      {onTerminal && (
        <button type="button" className="btn justify-start" onClick={() => choose({ terminal: shownAsText ? 'terminal' : 'text' })}>
          <Icon name="file" /> {shownAsText ? 'Show in a terminal' : 'Show as plain text'}
        </button>
      )}
      <a className="btn justify-start" href={outputHref(id, 'stdout')} download={`${id}.txt`}>
        <Icon name="download" /> Download the output
      </a>
      <a className="btn justify-start" href={castHref(id)} download={`${id}.cast`}>
        <Icon name="download" /> Download for asciinema (.cast)
      </a>
      <button type="button" className="btn justify-start" onClick={() => close(run)}>
        <Icon name="close" /> Close this tab
      </button>
    </Menu>
  );
}
