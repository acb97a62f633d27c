import { lazy, Suspense, useState } from 'react';
import { useStore } from '../lib/store';
import { Icon, type IconName } from '../ui/icons';
import { RUN_KEY } from './keys';
import { LanguagePicker } from './LanguagePicker';
import { go, route } from './route';
import { activeRun, runs } from './runs';
import { choose, settings, type Settings } from './settings';
import { runProgram, stopProgram } from './state';

const ShareDialog = lazy(async () => ({ default: (await import('./ShareDialog')).ShareDialog }));

const NEXT: Record<Settings['theme'], Settings['theme']> = { system: 'light', light: 'dark', dark: 'system' };
const THEME_ICON: Record<Settings['theme'], IconName> = { system: 'system', light: 'sun', dark: 'moon' };

/** The bar at the top: what to run, run it, and where else to go. */
export function TopBar({ onHelp }: { onHelp: () => void }) {
  const current = useStore(route, (value) => value);
  const theme = useStore(settings, (value) => value.theme);
  const inEditor = current.page === 'editor';
  return (
    <header className="flex min-h-12 flex-wrap items-center gap-x-2 gap-y-1 border-b border-line bg-panel px-3 py-1.5">
      {/* On a phone the bar is one line, except where a program is run. */}
      <Go to="/" current={false} className={`btn wordmark -ml-2 px-2 ${inEditor ? '' : 'max-sm:hidden'}`}>
        Runlog
      </Go>
      {inEditor && (
        <>
          <LanguagePicker />
          <RunButton />
          <Share />
        </>
      )}
      <span className={`flex-1 ${inEditor ? 'max-sm:basis-full' : ''}`} />
      <nav aria-label="Pages" className="flex items-center gap-1">
        <Go to="/" current={inEditor}>
          Editor
        </Go>
        <Go to="/history" current={current.page === 'history'}>
          History
        </Go>
        <Go to="/ops" current={current.page === 'operations'}>
          Operations
        </Go>
      </nav>
      <button
        type="button"
        className="btn btn-icon"
        aria-label={`Theme: ${theme}. Change it`}
        title={`Theme: ${theme}`}
        onClick={() => choose({ theme: NEXT[theme] })}
      >
        <Icon name={THEME_ICON[theme]} />
      </button>
      <button type="button" className="btn btn-icon" aria-label="Keys and settings" title="Keys and settings (?)" onClick={onHelp}>
        <Icon name="help" />
      </button>
    </header>
  );
}

interface GoProps {
  readonly to: string;
  readonly current: boolean;
  readonly className?: string;
  readonly children: React.ReactNode;
}

/** A link inside the page. */
export function Go({ to, current, className = 'btn', children }: GoProps) {
  return (
    <a
      href={to}
      className={className}
      aria-current={current ? 'page' : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        const run = to === '/' ? activeRun(runs.get())?.state.get().id : null;
        go(run ? `/runs/${run}` : to);
      }}
    >
      {children}
    </a>
  );
}

function Share() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="btn btn-line" onClick={() => setOpen(true)}>
        <Icon name="share" size={14} /> <span className="max-sm:sr-only">Share</span>
      </button>
      {open && (
        <Suspense>
          <ShareDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

function RunButton() {
  const run = useStore(runs, activeRun);
  return run ? <StopOrRun key={run.key} run={run} /> : <RunAlone />;
}

function StopOrRun({ run }: { run: NonNullable<ReturnType<typeof activeRun>> }) {
  const alive = useStore(run.state, () => run.alive);
  const stopping = useStore(run.state, (value) => value.stopping);
  if (!alive) return <RunAlone />;
  return (
    <button type="button" className="btn btn-stop" disabled={stopping} title="Stop (Shift+F5)" onClick={stopProgram}>
      <Icon name="stop" size={14} /> {stopping ? 'Stopping' : 'Stop'}
    </button>
  );
}

function RunAlone() {
  return (
    <button type="button" className="btn btn-run" onClick={runProgram}>
      <Icon name="play" size={14} /> Run <span className="kbd max-lg:hidden">{RUN_KEY}</span>
    </button>
  );
}
