// What became of a run, in words.
import type { ExecutionView, Outcome, Phase } from '../api/generated';
import { duration, limitMs, signalName, size } from '../lib/format';

/** How a status is to be taken; shown by a sign and a colour, never by the colour alone. */
export type Tone = 'quiet' | 'busy' | 'good' | 'bad' | 'ours';

/** A status in words. `ticking` asks for the time since the start behind it. */
export interface Words {
  readonly text: string;
  readonly tone: Tone;
  readonly ticking?: boolean;
}

/** The status line of an execution. */
export function words(view: ExecutionView, phase: Phase | null): Words {
  if (view.status === 'queued') {
    const again = view.attempts.length > 0;
    return { text: again ? 'Waiting for another attempt' : 'Queued', tone: 'busy' };
  }
  if (view.status === 'running') {
    if (view.cancelling) return { text: 'Stopping', tone: 'busy' };
    if (phase === 'compile') return { text: 'Compiling', tone: 'busy', ticking: true };
    if (phase === 'run') return { text: 'Running', tone: 'busy', ticking: true };
    return { text: 'Preparing', tone: 'busy' };
  }
  return view.outcome ? ending(view, view.outcome) : { text: 'Ended', tone: 'quiet' };
}

function ending(view: ExecutionView, outcome: Outcome): Words {
  const bad = (text: string): Words => ({ text, tone: 'bad' });
  const { limits } = view;
  switch (outcome.kind) {
    case 'exited':
      return {
        text: `Exit ${outcome.code}${used(view)}`,
        tone: outcome.code === 0 ? 'good' : 'bad',
      };
    case 'signaled':
      return bad(`Died of ${signalName(outcome.signal)}${used(view)}`);
    case 'compile_error':
      return bad(`Did not compile (compiler exit ${outcome.code})`);
    case 'time_limit':
      if (outcome.phase === 'compile') return bad('Stopped: the compiler took too long');
      return bad(
        outcome.clock === 'wall'
          ? `Stopped: over the ${limitMs(limits.wall_ms)} time limit`
          : `Stopped: over the ${limitMs(limits.cpu_ms)} CPU time limit`,
      );
    case 'memory_limit':
      if (outcome.phase === 'compile') return bad('Stopped: the compiler needed too much memory');
      return bad(`Stopped: over the ${limits.memory_mb} MiB memory limit`);
    case 'output_limit':
      return bad(`Stopped: over the ${limits.output_kb} KiB output limit`);
    case 'cancelled':
      return { text: `Stopped by request${used(view)}`, tone: 'quiet' };
    case 'expired':
      return { text: 'Gave up: it waited too long in the queue', tone: 'ours' };
    case 'unsafe':
      return bad(`Refused: ${outcome.rule}`);
    case 'system_error':
      return { text: `Our fault: ${outcome.reason}`, tone: 'ours' };
  }
}

function used({ measurements }: ExecutionView): string {
  if (!measurements) return '';
  return ` in ${duration(measurements.wall_us)}, ${size(measurements.memory_peak_bytes)}`;
}

/** What to do about an ending that a limit caused, where something can be done. */
export function advice(outcome: Outcome | null | undefined): string | null {
  switch (outcome?.kind) {
    case 'time_limit':
      return outcome.phase === 'run' ? 'The limit can be raised under Options, up to 60 s.' : null;
    case 'memory_limit':
      return outcome.phase === 'run' ? 'The limit can be raised under Options, up to 2048 MiB.' : null;
    case 'output_limit':
      return 'The limit can be raised under Options, up to 16384 KiB.';
    case 'signaled':
      return SIGNAL_HINTS[outcome.signal] ?? null;
    case undefined:
    case 'exited':
    case 'compile_error':
    case 'cancelled':
    case 'expired':
    case 'unsafe':
    case 'system_error':
      return null;
  }
}

const SIGNAL_HINTS: Record<number, string> = {
  6: 'It aborted itself, for example by a failed assertion.',
  8: 'A division by zero, or another impossible calculation.',
  11: 'It touched memory that is not its own.',
  31: 'It made a system call that the sandbox does not allow.',
};
