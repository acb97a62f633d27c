import { useRef, useState } from 'react';
import { bytesOf } from '../api/data';
import type { LanguageView } from '../api/generated';
import { Icon } from '../ui/icons';
import { Examples } from './Examples';
import { FileRow } from './FileRow';
import { importFiles } from './import';
import { freeName, languageOfNames } from './names';
import { names, type Project, type ProjectFile, renamed, withFile, without } from './project';
import { useDrop } from './useDrop';
import { zip } from './zip';

interface Props {
  readonly project: Project;
  readonly entry: string;
  /** The language of the program, where it is known. */
  readonly language: LanguageView | undefined;
  readonly change: (edit: (project: Project) => Project) => void;
  /** Opens files as a program in another language. */
  readonly move: (files: readonly ProjectFile[], to: LanguageView) => void;
  /** All languages. */
  readonly list: readonly LanguageView[];
}

/** The files of the program. */
export function FileList({ project, entry, language, change, move, list }: Props) {
  const [editing, setEditing] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [undo, setUndo] = useState<{ project: Project; what: string } | null>(null);
  const [guess, setGuess] = useState<{ language: LanguageView; files: readonly ProjectFile[] } | null>(null);
  const chooser = useRef<HTMLInputElement>(null);

  const add = () => {
    const name = freeName(`untitled.${language?.extensions[0] ?? 'txt'}`, names(project));
    change((now) => withFile(now, { name, content: { text: '' } }));
    setEditing(name);
  };
  const take = async (files: readonly File[]) => {
    const { project: next, added, refused } = await importFiles(project, files);
    change(() => next);
    setProblem(refused.length > 0 ? refused.join('\n') : null);
    const other = languageOfNames(added, project.language, list);
    setGuess(other && { language: other, files: next.files.filter(({ name }) => added.includes(name)) });
  };
  const remove = (name: string) => {
    setUndo({ project, what: `Deleted ${name}.` });
    change((now) => without(now, name));
  };
  const startOver = (from: (project: Project) => Project) => {
    setUndo({ project, what: 'Replaced by the example.' });
    change(from);
  };
  const dragging = useDrop((files) => void take(files));

  return (
    <section
      aria-label="Files"
      data-pane="files"
      className={`flex h-full flex-col bg-panel ${dragging ? 'outline-2 -outline-offset-2 outline-accent outline-dashed' : ''}`}
    >
      <header className="flex min-h-10 items-center gap-1 pr-1 pl-3">
        <h2 className="min-w-0 flex-1 text-xs font-semibold tracking-wide text-dim uppercase">Files</h2>
        <button type="button" className="btn btn-icon" aria-label="New file" title="New file" onClick={add}>
          <Icon name="plus" />
        </button>
        <button type="button" className="btn btn-icon" aria-label="Add files or a zip archive" title="Add files or a zip archive" onClick={() => chooser.current?.click()}>
          <Icon name="upload" />
        </button>
        <button type="button" className="btn btn-icon" aria-label="Download all as zip" title="Download all as zip" onClick={() => download(project)}>
          <Icon name="download" />
        </button>
        {language && <Examples language={language} begin={startOver} />}
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void take([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
      </header>
      <ul className="min-h-0 flex-1 overflow-y-auto px-1">
        {project.files.map((file) => (
          <FileRow
            key={file.name}
            file={file}
            others={names(project).filter((other) => other !== file.name)}
            isOpen={file.name === project.active}
            isEntry={file.name === entry}
            editing={editing === file.name}
            onEdit={(on) => setEditing(on ? file.name : null)}
            onOpen={() => change((now) => ({ ...now, active: file.name }))}
            onStart={() => change((now) => ({ ...now, entry: file.name }))}
            onRename={(to) => change((now) => renamed(now, file.name, to))}
            onDelete={() => remove(file.name)}
          />
        ))}
      </ul>
      {guess && (
        <p role="status" className="flex flex-wrap items-center gap-x-2 border-t border-line px-3 py-1">
          <span>This looks like {guess.language.name}.</span>
          <button
            type="button"
            className="link hit"
            onClick={() => {
              setGuess(null);
              move(guess.files, guess.language);
            }}
          >
            Open it as that
          </button>
        </p>
      )}
      {undo?.project.language === project.language && (
        <p role="status" className="flex items-center gap-2 border-t border-line px-3 py-1">
          <span className="min-w-0 flex-1 truncate">{undo.what}</span>
          <button
            type="button"
            className="link hit"
            onClick={() => {
              change(() => undo.project);
              setUndo(null);
            }}
          >
            Undo
          </button>
        </p>
      )}
      {problem && (
        <p role="alert" className="border-l-3 border-bad bg-bad-soft px-3 py-2 whitespace-pre-line">
          {problem}
        </p>
      )}
    </section>
  );
}

function download(project: Project): void {
  const archive = zip(project.files.map(({ name, content }) => ({ name, bytes: bytesOf(content) })));
  const address = URL.createObjectURL(new Blob([archive], { type: 'application/zip' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${project.language}.zip`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
