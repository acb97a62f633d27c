import type { EditorFactory, Document } from './port';

/** A text area: there at once, and there when nothing else can be loaded. */
export const plainEditor: EditorFactory = (host, events) => {
  const area = document.createElement('textarea');
  area.className = 'plain-editor';
  area.spellcheck = false;
  area.autocapitalize = 'off';
  area.setAttribute('autocorrect', 'off');
  let shown: Document | null = null;
  area.addEventListener('input', () => {
    if (shown) events.changed(shown.key, area.value);
  });
  area.addEventListener('focus', () => events.focused(true));
  area.addEventListener('blur', () => events.focused(false));
  host.replaceChildren(area);
  return {
    open(next) {
      shown = next;
      area.setAttribute('aria-label', `${next.name}, code`);
      area.readOnly = next.fixed ?? false;
      if (area.value !== next.text) area.value = next.text;
    },
    mark() {},
    reveal(line) {
      const before = area.value.split('\n').slice(0, line - 1).join('\n').length;
      const at = line > 1 ? before + 1 : 0;
      area.focus();
      area.setSelectionRange(at, at);
    },
    focus: () => area.focus(),
    theme() {},
    dispose: () => area.remove(),
  };
};
