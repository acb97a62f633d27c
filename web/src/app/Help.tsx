import { useEffect, useRef } from 'react';
import { useStore } from '../lib/store';
import { Icon } from '../ui/icons';
import { KEYS } from './keys';
import { choose, settings, type Settings } from './settings';

/** The keys, and what can be chosen. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const chosen = useStore(settings, (value) => value);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      onClose={onClose}
      aria-labelledby="help-title"
      className="m-auto w-[min(34rem,calc(100vw-2rem))] rounded-xl border border-line bg-bg p-0 shadow-2xl backdrop:bg-black/40"
    >
      <header className="flex items-center justify-between border-b border-line py-2 pr-2 pl-4">
        <h1 id="help-title" className="font-semibold">
          Keys and settings
        </h1>
        <button type="button" className="btn btn-icon" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 p-4">
        {KEYS.map(([key, does]) => (
          <div key={key} className="contents">
            <dt>
              <span className="kbd">{key}</span>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div className="grid gap-2 border-t border-line p-4">
        <Choice
          label="Editor"
          value={chosen.editor}
          options={{ auto: 'Full; simple on touch screens', full: 'Full (Monaco)', simple: 'Simple (CodeMirror)' }}
          onChange={(editor) => choose({ editor })}
        />
        <Choice
          label="Programs on a terminal"
          value={chosen.terminal}
          options={{ auto: 'In a terminal; as text on touch screens', terminal: 'In a terminal', text: 'As plain text' }}
          onChange={(terminal) => choose({ terminal })}
        />
        <Choice
          label="Theme"
          value={chosen.theme}
          options={{ system: "The system's", light: 'Light', dark: 'Dark' }}
          onChange={(theme) => choose({ theme })}
        />
        <label className="flex min-h-8 pointer-coarse:min-h-11 items-center gap-2">
          <input type="checkbox" checked={chosen.screenReader} onChange={(event) => choose({ screenReader: event.target.checked })} />
          Read the terminal aloud in a screen reader (slow for much output; plain text is better)
        </label>
      </div>
    </dialog>
  );
}

interface ChoiceProps<K extends string> {
  readonly label: string;
  readonly value: K;
  readonly options: Record<K, string>;
  readonly onChange: (value: K) => void;
}

function Choice<K extends Settings['editor'] | Settings['terminal'] | Settings['theme']>({
  label,
  value,
  options,
  onChange,
}: ChoiceProps<K>) {
  return (
    <label className="grid grid-cols-[11rem_1fr] items-center gap-2 max-sm:grid-cols-1">
      {label}
      <select className="field" value={value} onChange={(event) => onChange(event.target.value as K)}>
        {(Object.keys(options) as K[]).map((key) => (
          <option key={key} value={key}>
            {options[key]}
          </option>
        ))}
      </select>
    </label>
  );
}
