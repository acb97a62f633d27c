import { useMemo, useRef, useState } from 'react';
import { Console } from '../console/Console';
import type { Places } from '../console/Line';
import { CodeEditor } from '../editor/CodeEditor';
import type { EditorPort } from '../editor/port';
import { useStore } from '../lib/store';
import { Problems } from '../run/Problems';
import { useDiagnostics } from '../run/useDiagnostics';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';
import { FileList } from '../workspace/FileList';
import { Options, optionsSummary } from '../workspace/Options';
import { activeFile, entryOf, names, type Project } from '../workspace/project';
import { languageOf, languages } from './languages';
import { forgetPasted, openPasted, pasted, takeText } from './pasted';
import { activeRun, runs } from './runs';
import { Splitter } from './Splitter';
import { bench, move, type Pane, workspace } from './state';

const PANES: readonly (readonly [Pane, string])[] = [
  ['files', 'Files'],
  ['code', 'Code'],
  ['console', 'Console'],
];

const change = (edit: (project: Project) => Project) => workspace.change(edit);

/** Files, code and console: side by side, or one at a time where there is no room. */
export function Workbench() {
  const { project, unsaved, aside } = useStore(workspace.state, (value) => value);
  const { list, error } = useStore(languages, (value) => value);
  const { pane } = useStore(bench, (value) => value);
  const run = useStore(runs, activeRun);
  const port = useRef<EditorPort | null>(null);
  const [goal, setGoal] = useState<{ line: number; column: number | null } | null>(null);
  const [share, setShare] = useState(0.47);

  const language = languageOf(list, project.language);
  const entry = entryOf(project, language?.entry);
  const files = names(project);
  const found = useDiagnostics(run, files, entry);
  const file = activeFile(project);
  const marks = useMemo(() => found.filter((one) => one.file === file?.name), [found, file?.name]);
  const text = file && 'text' in file.content ? file.content.text : null;
  const document = useMemo(
    () => ({
      key: `${project.language}/${file?.name ?? ''}`,
      name: file?.name ?? '',
      language: project.language,
      text: text ?? '',
    }),
    [project.language, file?.name, text],
  );
  const all = files.join('\n');
  const places = useMemo<Places>(
    () => ({
      files: all.split('\n'),
      entry,
      open(place) {
        change((now) => ({ ...now, active: place.file }));
        bench.set({ pane: 'code' });
        setGoal({ line: place.line, column: place.column });
      },
    }),
    [all, entry],
  );

  const hidden = (name: Pane) => (pane === name ? '' : 'max-md:hidden');
  return (
    <>
      <main className="flex min-h-0 flex-1" style={{ '--share': `${share * 100}%` } as React.CSSProperties}>
        <h1 className="sr-only">Editor</h1>
        <div className={`w-full shrink-0 border-r border-line md:w-48 ${hidden('files')}`}>
          <FileList project={project} entry={entry} language={language} list={list} change={change} move={move} />
        </div>
        <section aria-label="Code" data-pane="code" className={`flex min-w-0 flex-1 flex-col md:flex-none md:basis-(--share) ${hidden('code')}`}>
          <Tabs project={project} />
          <Notices unsaved={unsaved} />
          <Guess language={project.language} />
          {aside > 0 && (
            <p className="flex flex-wrap items-center gap-2 border-l-3 border-info bg-panel px-3 py-1.5">
              <span className="min-w-0 flex-1">Your own program was put aside; nothing of it is lost.</span>
              <button type="button" className="btn btn-line" onClick={() => workspace.swap()}>
                Change places with it
              </button>
            </p>
          )}
          {error && list.length === 0 && <ErrorNotice error={error} doing="ask the server for its languages; it is tried again by itself. Your code is kept" />}
          {language && !language.available && (
            <p role="alert" className="border-l-3 border-warn bg-warn-soft px-3 py-2">
              {language.name} is not available here: {language.unavailable_because}
            </p>
          )}
          {text === null ? (
            <p className="grid flex-1 place-items-center text-dim">This file is not text; it is sent as it is.</p>
          ) : (
            <CodeEditor document={document} diagnostics={marks} onChange={takeText} goal={goal} port={port} />
          )}
          <Problems found={found} open={(place) => places.open(place)} />
          <OptionsDrawer project={project} allowed={language?.compiler_options ?? []} />
        </section>
        <Splitter value={share} onChange={setShare} />
        <div className={`min-w-0 flex-1 ${hidden('console')}`}>
          <Console places={places} />
        </div>
      </main>
      <nav aria-label="Panes" className="grid grid-cols-3 border-t border-line bg-panel md:hidden">
        {PANES.map(([name, label]) => (
          <button
            key={name}
            type="button"
            className={`min-h-12 ${pane === name ? 'font-semibold text-accent' : 'text-dim'}`}
            aria-current={pane === name ? 'true' : undefined}
            onClick={() => bench.set({ pane: name })}
          >
            {label}
          </button>
        ))}
      </nav>
    </>
  );
}

function Tabs({ project }: { project: Project }) {
  return (
    <div className="flex min-h-10 items-center gap-1 overflow-x-auto border-b border-line bg-panel px-2">
      {project.files.map(({ name }) => (
        <button
          key={name}
          type="button"
          className={`btn shrink-0 ${name === project.active ? 'bg-raised' : 'text-dim'}`}
          aria-current={name === project.active ? 'true' : undefined}
          onClick={() => change((now) => ({ ...now, active: name }))}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

function Notices({ unsaved }: { unsaved: boolean }) {
  const { notice } = useStore(bench, (value) => value);
  const sentence = notice ?? (unsaved ? 'This browser has no room left to keep your code. Download it before you leave.' : null);
  if (!sentence) return null;
  return (
    <p role="alert" className="border-l-3 border-warn bg-warn-soft px-3 py-2">
      {sentence}
    </p>
  );
}

/** What to do with a program that was pasted and is in another language. */
function Guess({ language }: { language: string }) {
  const { guess } = useStore(pasted, (value) => value);
  if (guess?.into.language !== language) return null;
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 border-l-3 border-info bg-panel px-3 py-1.5">
      <span className="min-w-0 flex-1">What you pasted looks like {guess.language.name}.</span>
      <button type="button" className="btn btn-line" onClick={openPasted}>
        Open it as that
      </button>
      <button type="button" className="btn" onClick={forgetPasted}>
        Leave it
      </button>
    </p>
  );
}

function OptionsDrawer({ project, allowed }: { project: Project; allowed: readonly string[] }) {
  const { options } = useStore(bench, (value) => value);
  return (
    <details
      className="border-t border-line bg-panel"
      open={options}
      onToggle={(event) => bench.set({ options: event.currentTarget.open })}
      data-pane="options"
    >
      <summary className="flex min-h-9 pointer-coarse:min-h-11 items-center gap-2 px-3">
        <Icon name={options ? 'down' : 'right'} size={14} />
        <span className="font-medium">Options</span>
        <span className="truncate text-dim">{optionsSummary(project)}</span>
      </summary>
      <div className="max-h-[45vh] overflow-y-auto">
        <Options project={project} allowed={allowed} change={change} />
      </div>
    </details>
  );
}
