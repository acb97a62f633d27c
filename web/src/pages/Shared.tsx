import { useCallback, useState } from 'react';
import { recording, snippet } from '../api/client';
import type { SnippetView } from '../api/generated';
import { go } from '../app/route';
import { bench, workspace } from '../app/state';
import { CodeView } from '../editor/CodeView';
import { moment } from '../lib/format';
import { useLoaded } from '../lib/useLoaded';
import { Playback } from '../run/Playback';
import { words } from '../run/status';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';
import { projectOf } from '../workspace/project';

interface Props {
  readonly id: string;
  /** Whether it stands inside a page of somebody else, with nothing around it. */
  readonly embedded: boolean;
}

/** A program that was shared, with the recording of its run. Nothing is run to show it. */
export default function Shared({ id, embedded }: Props) {
  const { value, error, again } = useLoaded(useCallback(() => snippet(id), [id]));
  if (error) {
    return (
      <main className="p-4">
        <h1 className="mb-2 text-lg font-semibold">{error.missing ? 'There is nothing at this link' : 'A shared program'}</h1>
        <ErrorNotice error={error} doing="show what was shared" onRetry={again} />
        {error.missing && <p className="mt-2">The link may be mistyped or incomplete.</p>}
      </main>
    );
  }
  if (!value) return <p className="p-6 text-dim">Fetching what was shared…</p>;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <Head shared={value} embedded={embedded} />
      <div className="flex min-h-0 flex-1 max-md:flex-col">
        <Code shared={value} />
        {value.execution_id && <Run id={value.execution_id} sameProgram={value.same_program !== false} />}
      </div>
    </main>
  );
}

function Head({ shared, embedded }: { shared: SnippetView; embedded: boolean }) {
  const [problem, setProblem] = useState(false);
  const fork = () => {
    if (!workspace.take(projectOf(shared))) return setProblem(true);
    bench.set({ pane: 'code' });
    go('/');
  };
  return (
    <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1.5">
      <h1 className="min-w-0 truncate font-semibold">{shared.title ?? 'A shared program'}</h1>
      <span className="text-dim">
        {shared.language} · {moment(shared.created_at_ms, Date.now())}
      </span>
      <span className="flex-1" />
      {problem && (
        <span role="alert" className="text-bad">
          This browser has no room to put your own program aside.
        </span>
      )}
      {embedded ? (
        <a className="btn btn-line" href={`/s/${shared.id}`} target="_blank" rel="noopener">
          Open in Runlog
        </a>
      ) : (
        <button type="button" className="btn btn-run" onClick={fork}>
          <Icon name="copy" size={14} /> Fork to edit
        </button>
      )}
    </header>
  );
}

function Code({ shared }: { shared: SnippetView }) {
  const [open, setOpen] = useState(shared.entry);
  const file = shared.files.find(({ name }) => name === open) ?? shared.files[0];
  return (
    <section aria-label="Code" className="flex min-h-0 min-w-0 flex-1 flex-col max-md:min-h-[40%]">
      <div className="flex min-h-10 items-center gap-1 overflow-x-auto border-b border-line bg-panel px-2">
        {shared.files.map(({ name }) => (
          <button
            key={name}
            type="button"
            className={`btn shrink-0 ${name === file?.name ? 'bg-raised' : 'text-dim'}`}
            aria-current={name === file?.name ? 'true' : undefined}
            onClick={() => setOpen(name)}
          >
            {name}
          </button>
        ))}
      </div>
      {file && 'text' in file.content ? (
        <CodeView name={file.name} language={shared.language} text={file.content.text} />
      ) : (
        <p className="grid flex-1 place-items-center text-dim">This file is not text.</p>
      )}
      {shared.args.length > 0 && (
        <p className="truncate border-t border-line bg-panel px-3 py-1 text-dim">
          Arguments: <code>{shared.args.join(' ')}</code>
        </p>
      )}
    </section>
  );
}

function Run({ id, sameProgram }: { id: string; sameProgram: boolean }) {
  const { value, error, again } = useLoaded(useCallback(() => recording(id), [id]));
  return (
    <section aria-label="Recording" className="flex min-h-0 min-w-0 flex-1 flex-col border-l border-line max-md:border-t max-md:border-l-0">
      {error && <ErrorNotice error={error} doing="fetch the recording" onRetry={again} />}
      {!value && !error && <p className="p-4 text-dim">Fetching the recording…</p>}
      {value && (
        <>
          <p className="flex min-h-10 items-center border-b border-line bg-panel px-3" data-testid="shared-outcome">
            {words(value.execution, null).text}
          </p>
          {!sameProgram && (
            <p className="border-l-3 border-warn bg-warn-soft px-3 py-1.5">The program was changed after this run: what it prints may differ.</p>
          )}
          <Playback recorded={value} playing={false} />
        </>
      )}
    </section>
  );
}
