// The same keys work with focus in the editor, in the terminal and anywhere else: they are taken
// before the focused part sees them.

/** What a key asks for. */
export interface KeyActions {
  run(): void;
  stop(): void;
  save(): void;
  nextPane(back: boolean): void;
  help(): void;
}

const mac = navigator.platform.startsWith('Mac');

/** How the key for running is called here. */
export const RUN_KEY = mac ? '⌘↵' : 'Ctrl ↵';

/** Every key, for the list of them. */
export const KEYS: readonly (readonly [string, string])[] = [
  [mac ? '⌘ Enter' : 'Ctrl Enter', 'Run'],
  [mac ? 'Shift F5 or ⌘ .' : 'Shift F5 or Ctrl .', 'Stop'],
  ['F6 / Shift F6', 'Next / previous pane'],
  [mac ? 'Ctrl Shift M' : 'Ctrl M', 'Let Tab leave the editor, or indent again'],
  [mac ? '⌘ S' : 'Ctrl S', 'Nothing to do: every change is kept at once'],
  ['Ctrl C', 'In the terminal: interrupt the program (copies where text is selected)'],
  ['Ctrl D', 'In the terminal: end of input'],
  [mac ? '⌘ V' : 'Ctrl Shift V', 'In the terminal: paste'],
  ['?', 'This list'],
];

/** Listens for the keys until the returned function is called. */
export function listen(actions: KeyActions): () => void {
  const onKey = (event: KeyboardEvent) => {
    const taken = act(event, actions);
    if (!taken) return;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener('keydown', onKey, { capture: true });
  return () => removeEventListener('keydown', onKey, { capture: true });
}

function act(event: KeyboardEvent, actions: KeyActions): boolean {
  const main = mac ? event.metaKey : event.ctrlKey;
  if (main && event.key === 'Enter' && !event.shiftKey && !event.altKey) {
    if (!event.repeat) actions.run();
    return true;
  }
  if ((event.key === 'F5' && event.shiftKey) || (main && event.key === '.')) {
    actions.stop();
    return true;
  }
  if (main && event.key === 's' && !event.shiftKey) {
    actions.save();
    return true;
  }
  if (event.key === 'F6') {
    actions.nextPane(event.shiftKey);
    return true;
  }
  if (event.key === '?' && !typing(event.target)) {
    actions.help();
    return true;
  }
  return false;
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('.monaco-editor') !== null;
}
