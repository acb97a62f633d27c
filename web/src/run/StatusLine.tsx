import { useEffect, useState } from 'react';
import { useStore } from '../lib/store';
import { duration } from '../lib/format';
import { Icon, type IconName } from '../ui/icons';
import type { Run, RunState } from './run';
import { advice, type Tone, words, type Words } from './status';

const SIGNS: Record<Tone, IconName> = { quiet: 'dot', busy: 'dot', good: 'check', bad: 'cross', ours: 'warn' };
const COLOURS: Record<Tone, string> = {
  quiet: 'text-dim',
  busy: 'text-info',
  good: 'text-accent',
  bad: 'text-bad',
  ours: 'text-warn',
};

/** The status of a run in words. */
export function statusOf(state: RunState): Words {
  if (state.again) return { text: 'The server does not answer as it should; it is tried again by itself', tone: 'ours' };
  if (state.error && !state.view) return { text: state.id === null ? 'Not sent' : 'Not to be had', tone: 'ours' };
  if (state.stopping && state.view?.status !== 'ended') return { text: 'Stopping', tone: 'busy' };
  if (!state.view) return { text: state.id === null ? 'Sending' : 'Queued', tone: 'busy' };
  return words(state.view, state.phase);
}

/** The one line that says how a run stands. */
export function StatusLine({ run }: { run: Run }) {
  const state = useStore(run.state, (value) => value);
  const { text, tone, ticking } = statusOf(state);
  const away = state.link === 'waiting' || (state.link === 'connecting' && state.view !== null);
  const hint = advice(state.view?.outcome);
  return (
    <div className="flex min-w-0 items-center gap-2">
      <span className={`flex shrink-0 ${COLOURS[tone]}`}>
        <Icon name={SIGNS[tone]} />
      </span>
      <span role="status" className="truncate" title={text} data-testid="status">
        {text}
        {away && state.view?.status !== 'ended' && ' · connection lost, coming back by itself'}
      </span>
      {ticking && state.phaseAt !== null && <Since at={state.phaseAt} />}
      {hint && <span className="hidden truncate text-dim lg:inline">{hint}</span>}
    </div>
  );
}

/** Below this a tenth of a second is shown, and from there on whole seconds. */
const TENTHS_UNTIL_MS = 10_000;

/** The time since a moment; for eyes only, since nobody wants to hear every tick. */
function Since({ at }: { at: number }) {
  const [now, setNow] = useState(Date.now);
  const passed = Math.max(0, now - at);
  const pause = passed < TENTHS_UNTIL_MS ? 100 : 1000;
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), pause);
    return () => clearInterval(timer);
  }, [pause]);
  return (
    <span aria-hidden="true" className="tabular-nums">
      {duration(passed * 1000)}
    </span>
  );
}
