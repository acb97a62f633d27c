import { useCallback } from 'react';
import { castHref, recording } from '../api/client';
import type { RecordingView } from '../api/generated';
import { moment } from '../lib/format';
import { useLoaded } from '../lib/useLoaded';
import { Again } from '../run/Again';
import { Playback } from '../run/Playback';
import { words } from '../run/status';
import { ErrorNotice } from '../ui/ErrorNotice';

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
  const { execution } = recorded;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-2">
        <h1 className="font-semibold">Replay</h1>
        <span className="text-dim">
          {execution.language} · {execution.entry} · {moment(execution.submitted_at_ms, Date.now())}
        </span>
        <span>{words(execution, null).text}</span>
        <span className="flex-1" />
        <Again id={execution.id} />
        <a className="link hit" href={castHref(execution.id)} download={`${execution.id}.cast`}>
          .cast
        </a>
      </header>
      <Playback recorded={recorded} playing />
    </main>
  );
}
