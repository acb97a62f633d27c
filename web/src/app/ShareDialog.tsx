import { useCallback, useEffect, useId, useRef, useState } from 'react';
import { share } from '../api/client';
import { ApiError } from '../api/error';
import { randomId } from '../lib/random';
import { useLoaded } from '../lib/useLoaded';
import { ErrorNotice } from '../ui/ErrorNotice';
import { Icon } from '../ui/icons';
import { requestOf } from '../workspace/project';
import { languageOf, languages } from './languages';
import { activeRun, runs } from './runs';
import { session } from './settings';
import { workspace } from './state';

/** Makes a link to the program as it stands and to its last run, and shows it. */
export function ShareDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // One key for as long as the dialog is open: trying again makes no second link.
  const [key] = useState(randomId);
  const { value, error, again } = useLoaded(useCallback(() => create(key), [key]));
  useEffect(() => dialog.current?.showModal(), []);
  const link = value && new URL(value.links.page, location.href).href;
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-labelledby="share-title"
      className="m-auto w-[min(34rem,calc(100vw-2rem))] rounded-xl border border-line bg-bg p-0 shadow-2xl backdrop:bg-black/40"
    >
      <div className="flex items-center justify-between border-b border-line py-2 pr-2 pl-4">
        <h1 id="share-title" className="font-semibold">
          Share
        </h1>
        <button type="button" className="btn btn-icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <div className="grid gap-4 p-4">
        <p className="text-dim">
          Whoever has the link sees this code and the recording of its run, with what was typed into it. It never changes; what you edit
          afterwards is not part of it.
        </p>
        {error && <ErrorNotice error={error} doing="make a link" onRetry={again} />}
        {!value && !error && <p role="status">Making a link…</p>}
        {value && link && (
          <>
            <Copied label="Link" text={link} />
            <Copied label="To embed it in a page" text={`<iframe src="${new URL(`/embed/${value.id}`, location.href).href}" width="100%" height="420"></iframe>`} />
            <a className="link hit justify-self-start" href={link} target="_blank" rel="noopener">
              Look at it
            </a>
          </>
        )}
      </div>
    </dialog>
  );
}

/** Shares the program as it stands, with the run that is shown beside it where it is one of it. */
function create(key: string) {
  workspace.flush();
  const project = workspace.project();
  const usual = languageOf(languages.get().list, project.language)?.entry;
  const { language, files, entry, args, env, compiler_options, stdin, interactive, terminal, limits } = requestOf(
    project,
    usual,
    session,
    { columns: 80, rows: 24 },
  );
  const shown = activeRun(runs.get())?.state.get();
  const ran = shown?.view?.status === 'ended' && shown.view.language === project.language ? shown.id : null;
  const size = shown?.view?.terminal;
  const body = { language, files, entry, args, env, compiler_options, stdin, interactive, limits, terminal: terminal && (size ?? terminal) };
  return share({ ...body, execution_id: ran }, key);
}

/** A text to take along: selected at a touch, copied at a click. */
function Copied({ label, text }: { label: string; text: string }) {
  const [state, setState] = useState<'' | 'Copied' | 'Press Ctrl+C'>('');
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const copy = () => {
    field.current?.select();
    // Only pages on a safe origin may copy by themselves.
    const copying = navigator.clipboard?.writeText(text) ?? Promise.reject(new ApiError({ kind: 'unreachable' }));
    copying.then(
      () => setState('Copied'),
      () => setState('Press Ctrl+C'),
    );
  };
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-dim">
        {label}
      </label>
      <span className="flex gap-1">
        <input ref={field} id={id} className="field flex-1 font-mono" readOnly value={text} onFocus={(event) => event.target.select()} />
        <button type="button" className="btn btn-line" aria-label={`Copy: ${label}`} onClick={copy}>
          <Icon name="copy" size={14} /> {state === '' ? 'Copy' : state}
        </button>
      </span>
      <span role="status" className="sr-only">
        {state}
      </span>
    </div>
  );
}
