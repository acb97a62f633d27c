import type { Pane } from './state';

const ORDER = ['files', 'code', 'problems', 'options', 'console'] as const;

/** What takes the focus in a pane. */
const TARGETS = 'textarea, [contenteditable="true"], input, [role="log"], button, summary';
const FIRST: Record<(typeof ORDER)[number], string> = {
  files: '[data-pane="files"] [aria-current="true"]',
  code: '[data-testid="editor"] :is(textarea, [contenteditable="true"], .native-edit-context)',
  problems: '[data-pane="problems"] button',
  options: '[data-pane="options"] summary',
  console: '[data-pane="console"] :is(.xterm-helper-textarea, form input, [role="log"], button)',
};

/** Moves the focus to the next pane. */
export function nextPane(back: boolean, show: (pane: Pane) => void): void {
  const here = ORDER.findLastIndex((name) => document.activeElement?.closest(`[data-pane="${name}"]`));
  const step = back ? -1 : 1;
  for (let tried = 1; tried <= ORDER.length; tried += 1) {
    const name = ORDER[(here + step * tried + ORDER.length * 2) % ORDER.length];
    if (name === undefined || !document.querySelector(`[data-pane="${name}"]`)) continue;
    show(name === 'options' || name === 'problems' ? 'code' : name);
    // A pane that was hidden can take the focus only once it is drawn.
    if (document.querySelector(`[data-pane="${name}"]`)?.checkVisibility()) focusIn(name);
    else requestAnimationFrame(() => focusIn(name));
    return;
  }
}

function focusIn(name: (typeof ORDER)[number]): void {
  const pane = document.querySelector<HTMLElement>(`[data-pane="${name}"]`);
  const target = document.querySelector<HTMLElement>(FIRST[name]) ?? pane?.querySelector<HTMLElement>(TARGETS);
  (target ?? pane)?.focus();
}
