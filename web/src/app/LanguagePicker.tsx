import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import * as v from 'valibot';
import type { LanguageView } from '../api/generated';
import { useStore } from '../lib/store';
import { Icon } from '../ui/icons';
import { load, save } from '../workspace/storage';
import { languageOf, languages } from './languages';
import { workspace } from './state';

const MOST_RECENT = 3;

function recent(): readonly string[] {
  const parsed = v.safeParse(v.array(v.string()), load('recent'));
  return parsed.success ? parsed.output : [];
}

/** Goes to the program of a language, and remembers that it was chosen. */
function pick(language: LanguageView): void {
  save('recent', [language.id, ...recent().filter((id) => id !== language.id)].slice(0, MOST_RECENT));
  workspace.open(language);
}

/** The languages that fit what is typed, those chosen lately first. */
function fitting(list: readonly LanguageView[], typed: string): readonly LanguageView[] {
  const wanted = typed.trim().toLowerCase();
  const words = ({ id, name, aliases, extensions }: LanguageView) => [id, name.toLowerCase(), ...aliases, ...extensions];
  const fit = list.filter((one) => words(one).some((word) => word.includes(wanted)));
  const rank = ({ id }: LanguageView) => {
    const at = recent().indexOf(id);
    return at < 0 ? MOST_RECENT : at;
  };
  return wanted === '' ? fit.toSorted((a, b) => rank(a) - rank(b)) : fit;
}

/** The language of the program: a list that can be searched, with the exact versions. */
export function LanguagePicker() {
  const { list } = useStore(languages, (value) => value);
  const id = useStore(workspace.state, ({ project }) => project.language);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const known = languageOf(list, id);
  const close = (refocus: boolean) => {
    setOpen(false);
    if (refocus) button.current?.focus();
  };
  return (
    <div className="relative">
      <button
        ref={button}
        type="button"
        className="btn btn-field max-w-64"
        aria-haspopup="dialog"
        aria-expanded={open}
        data-testid="language"
        onClick={() => setOpen(!open)}
      >
        <span className="sr-only">Language: </span>
        <span className="font-medium">{known?.name ?? id}</span>
        <span className="truncate text-xs text-dim max-sm:hidden">{known?.version}</span>
        <Icon name="down" size={12} />
      </button>
      {open && <Choices list={list} chosen={id} close={close} />}
    </div>
  );
}

interface ChoicesProps {
  readonly list: readonly LanguageView[];
  readonly chosen: string;
  readonly close: (refocus: boolean) => void;
}

function Choices({ list, chosen, close }: ChoicesProps) {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const panel = useRef<HTMLDivElement>(null);
  const name = useId();
  const rows = fitting(list, typed);
  const active = rows[Math.min(at, rows.length - 1)];
  const optionId = (language: LanguageView) => `${name}-${language.id}`;

  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && !panel.current?.parentElement?.contains(event.target)) close(false);
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [close]);
  useEffect(() => {
    panel.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const choose = (language: LanguageView | undefined) => {
    if (!language?.available) return;
    pick(language);
    close(true);
  };
  const press = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    const to = moves[event.key];
    if (to !== undefined) setAt((to + rows.length) % Math.max(1, rows.length));
    else if (event.key === 'Enter') choose(active);
    else if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') return close(false);
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={panel}
      role="dialog"
      aria-label="Choose a language"
      className="absolute top-full left-0 z-30 mt-1 flex max-h-[70dvh] w-[min(20rem,calc(100vw-1.5rem))] flex-col rounded-lg border border-line bg-bg shadow-xl max-sm:fixed max-sm:inset-x-3 max-sm:top-14 max-sm:w-auto"
    >
      <input
        // It appears because somebody asked to choose.
        autoFocus
        role="combobox"
        className="field m-2"
        aria-label="Search languages"
        aria-expanded="true"
        aria-controls={`${name}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active ? optionId(active) : undefined}
        placeholder="Search languages"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <ul id={`${name}-list`} role="listbox" aria-label="Languages" className="min-h-0 flex-1 overflow-y-auto px-1 pb-1" tabIndex={-1}>
        {rows.map((one) => (
          <li
            key={one.id}
            id={optionId(one)}
            role="option"
            aria-selected={one === active}
            aria-disabled={!one.available}
            data-language={one.id}
            className={`option ${one === active ? 'bg-raised' : ''} ${one.available ? '' : 'text-dim'}`}
            onClick={() => choose(one)}
            onPointerMove={() => setAt(rows.indexOf(one))}
          >
            <span className="w-4 text-accent">{one.id === chosen && <Icon name="check" size={14} />}</span>
            <span className="shrink-0">{one.name}</span>
            <span className="min-w-0 flex-1 truncate text-right text-xs text-dim" title={one.unavailable_because ?? one.version ?? undefined}>
              {one.available ? one.version : `not available: ${one.unavailable_because ?? ''}`}
            </span>
          </li>
        ))}
      </ul>
      {rows.length === 0 && <p className="px-3 pb-3 text-dim">{list.length === 0 ? 'The server has not told its languages yet.' : 'No language fits.'}</p>}
    </div>
  );
}
