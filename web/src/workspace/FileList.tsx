import { type DragEvent, useRef, useState } from 'react';
import { bytesOf } from '../api/data';
import { size } from '../lib/format';
import { Icon } from '../ui/icons';
import { importFiles } from './import';
import { freeName, nameProblem } from './names';
import { names, type Project, renamed, withFile, without } from './project';
import { zip } from './zip';

interface Props {
  readonly project: Project;
  readonly entry: string;
  /** The ending of a new file. */
  readonly extension: string;
  readonly change: (edit: (project: Project) => Project) => void;
  /** The first program of the language, where it is known. */
  readonly example: ((project: Project) => Project) | null;
}

/** The files of the program. */
export function FileList({ project, entry, extension, change, example }: Props) {
  const [editing, setEditing] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [undo, setUndo] = useState<{ project: Project; what: string } | null>(null);
  const [dragging, setDragging] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);

  const add = () => {
    const name = freeName(`untitled.${extension}`, names(project));
    change((now) => withFile(now, { name, content: { text: '' } }));
    setEditing(name);
  };
  const take = async (files: readonly File[]) => {
    const { project: next, refused } = await importFiles(project, files);
    change(() => next);
    setProblem(refused.length > 0 ? refused.join('\n') : null);
  };
  const remove = (name: string) => {
    setUndo({ project, what: `Deleted ${name}.` });
    change((now) => without(now, name));
  };
  const startOver = (from: (project: Project) => Project) => {
    setUndo({ project, what: 'Replaced by the example.' });
    change(from);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setDragging(false);
    void take([...event.dataTransfer.files]);
  };

  return (
    <section
      aria-label="Files"
      data-pane="files"
      className={`flex h-full flex-col bg-panel ${dragging ? 'outline-2 -outline-offset-2 outline-accent outline-dashed' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setDragging(true);
      }}
      onDragLeave={() => setDragging(false)}
      onDrop={onDrop}
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
        {example && (
          <button type="button" className="btn btn-icon" aria-label="Start over with the example" title="Start over with the example" onClick={() => startOver(example)}>
            <Icon name="again" />
          </button>
        )}
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
        {project.files.map(({ name, content }) => (
          <li key={name} className={`group flex items-center rounded-md ${name === project.active ? 'bg-raised' : ''}`}>
            {editing === name ? (
              <NameField
                name={name}
                others={names(project).filter((other) => other !== name)}
                done={(to) => {
                  setEditing(null);
                  if (to !== null) change((now) => renamed(now, name, to));
                }}
              />
            ) : (
              <>
                <button
                  type="button"
                  className="btn min-w-0 flex-1 justify-start"
                  aria-current={name === project.active ? 'true' : undefined}
                  onClick={() => change((now) => ({ ...now, active: name }))}
                  onDoubleClick={() => setEditing(name)}
                  onKeyDown={(event) => {
                    if (event.key === 'F2') setEditing(name);
                    if (event.key === 'Delete' && project.files.length > 1) remove(name);
                  }}
                >
                  <span className="truncate">{name}</span>
                  {name === entry && (
                    <span className="text-accent" title="The program starts here">
                      <Icon name="play" size={10} />
                      <span className="sr-only">, the program starts here</span>
                    </span>
                  )}
                  {'base64' in content && <span className="text-xs text-dim">binary, {size(bytesOf(content).length)}</span>}
                </button>
                <FileActions
                  name={name}
                  isEntry={name === entry}
                  alone={project.files.length === 1}
                  onStart={() => change((now) => ({ ...now, entry: name }))}
                  onRename={() => setEditing(name)}
                  onDelete={() => remove(name)}
                />
              </>
            )}
          </li>
        ))}
      </ul>
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

interface FileActionsProps {
  readonly name: string;
  readonly isEntry: boolean;
  readonly alone: boolean;
  readonly onStart: () => void;
  readonly onRename: () => void;
  readonly onDelete: () => void;
}

function FileActions({ name, isEntry, alone, onStart, onRename, onDelete }: FileActionsProps) {
  const quiet = 'btn btn-icon pointer-fine:opacity-0 group-hover:opacity-100 group-focus-within:opacity-100';
  return (
    <>
      {!isEntry && (
        <button type="button" className={quiet} aria-label={`Start with ${name}`} title="Start with this file" onClick={onStart}>
          <Icon name="play" size={12} />
        </button>
      )}
      <button type="button" className={quiet} aria-label={`Rename ${name}`} title="Rename (F2)" onClick={onRename}>
        <Icon name="more" size={12} />
      </button>
      {!alone && (
        <button type="button" className={quiet} aria-label={`Delete ${name}`} title="Delete" onClick={onDelete}>
          <Icon name="close" size={12} />
        </button>
      )}
    </>
  );
}

interface NameFieldProps {
  readonly name: string;
  readonly others: readonly string[];
  readonly done: (name: string | null) => void;
}

function NameField({ name, others, done }: NameFieldProps) {
  const [value, setValue] = useState(name);
  const problem = nameProblem(value, others);
  return (
    <div className="flex-1 p-0.5">
      <input
        // It appears because somebody asked to type here.
        autoFocus
        className="field w-full"
        aria-label={`New name of ${name}`}
        aria-invalid={problem !== null}
        value={value}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setValue(event.target.value)}
        onBlur={() => done(problem ? null : value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !problem) done(value);
          if (event.key === 'Escape') done(null);
        }}
      />
      {problem && (
        <p role="alert" className="px-1 py-1 text-xs text-bad">
          {problem}
        </p>
      )}
    </div>
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
