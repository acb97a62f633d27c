import { useState } from 'react';
import { bytesOf } from '../api/data';
import { size } from '../lib/format';
import { Icon } from '../ui/icons';
import { nameProblem } from './names';
import type { ProjectFile } from './project';

interface Props {
  readonly file: ProjectFile;
  /** Names of the other files. */
  readonly others: readonly string[];
  readonly isOpen: boolean;
  readonly isEntry: boolean;
  /** Whether its name is being changed. */
  readonly editing: boolean;
  readonly onEdit: (editing: boolean) => void;
  readonly onOpen: () => void;
  readonly onStart: () => void;
  readonly onRename: (to: string) => void;
  readonly onDelete: () => void;
}

/** One file of the program, and what can be done with it. */
export function FileRow({ file, others, isOpen, isEntry, editing, onEdit, onOpen, onStart, onRename, onDelete }: Props) {
  const { name, content } = file;
  const alone = others.length === 0;
  return (
    <li className={`group flex items-center rounded-md ${isOpen ? 'bg-raised' : ''}`}>
      {editing ? (
        <NameField
          name={name}
          others={others}
          done={(to) => {
            onEdit(false);
            if (to !== null) onRename(to);
          }}
        />
      ) : (
        <>
          <button
            type="button"
            className="btn min-w-0 flex-1 justify-start"
            aria-current={isOpen ? 'true' : undefined}
            onClick={onOpen}
            onDoubleClick={() => onEdit(true)}
            onKeyDown={(event) => {
              if (event.key === 'F2') onEdit(true);
              if (event.key === 'Delete' && !alone) onDelete();
            }}
          >
            <span className="truncate">{name}</span>
            {isEntry && (
              <span className="text-accent" title="The program starts here">
                <Icon name="play" size={10} />
                <span className="sr-only">, the program starts here</span>
              </span>
            )}
            {'base64' in content && <span className="text-xs text-dim">binary, {size(bytesOf(content).length)}</span>}
          </button>
          <FileActions name={name} isEntry={isEntry} alone={alone} onStart={onStart} onRename={() => onEdit(true)} onDelete={onDelete} />
        </>
      )}
    </li>
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
