import * as v from 'valibot';
import { randomId } from '../lib/random';
import { Store } from '../lib/store';
import { load, save } from '../workspace/storage';

const Settings = v.object({
  theme: v.optional(v.picklist(['system', 'light', 'dark']), 'system'),
  /** The full editor, or the simple one that suits touch and screen readers. */
  editor: v.optional(v.picklist(['auto', 'full', 'simple']), 'auto'),
  /** Programs on a terminal are shown in one, or as plain text. */
  terminal: v.optional(v.picklist(['auto', 'terminal', 'text']), 'auto'),
  /** Speak the terminal's lines to a screen reader; slows heavy output. */
  screenReader: v.optional(v.boolean(), false),
});
/** What a user chose; kept in this browser. */
export type Settings = v.InferOutput<typeof Settings>;

const stored = v.safeParse(Settings, load('settings') ?? {});
export const settings = new Store<Settings>(stored.success ? stored.output : v.parse(Settings, {}));

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const touch = matchMedia('(pointer: coarse)');

/** Whether the page is dark now. */
export const dark = new Store<boolean>(isDark());

export function choose(next: Partial<Settings>): void {
  settings.set(next);
  save('settings', settings.get());
  repaint();
}

/** Whether the light editor is to be used. */
export function simpleEditor({ editor }: Settings): boolean {
  return editor === 'simple' || (editor === 'auto' && touch.matches);
}

/** Whether programs on a terminal are shown as text. */
export function asText({ terminal }: Settings): boolean {
  return terminal === 'text' || (terminal === 'auto' && touch.matches);
}

/** This browser's name in the history. */
export const session: string = (() => {
  const known = load('session');
  if (typeof known === 'string') return known;
  const made = `web-${randomId()}`;
  save('session', made);
  return made;
})();

function isDark(): boolean {
  const { theme } = settings.get();
  return theme === 'system' ? systemDark.matches : theme === 'dark';
}

function repaint(): void {
  const { theme } = settings.get();
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  dark.replace(isDark());
}

systemDark.addEventListener('change', repaint);
