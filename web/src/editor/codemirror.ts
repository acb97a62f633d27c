// CodeMirror: light, and at home on touch screens.
import { autocompletion, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  LanguageSupport,
  StreamLanguage,
  syntaxHighlighting,
} from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { type Document, type EditorFactory, labelOf } from './port';

/** The grammar of a language, fetched when it is first needed. */
const GRAMMARS: Record<string, () => Promise<Extension>> = {
  python: async () => (await import('@codemirror/lang-python')).python(),
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript(),
  typescript: async () => (await import('@codemirror/lang-javascript')).javascript({ typescript: true }),
  c: async () => (await import('@codemirror/lang-cpp')).cpp(),
  cpp: async () => (await import('@codemirror/lang-cpp')).cpp(),
  java: async () => (await import('@codemirror/lang-java')).java(),
  go: async () => (await import('@codemirror/lang-go')).go(),
  rust: async () => (await import('@codemirror/lang-rust')).rust(),
  php: async () => (await import('@codemirror/lang-php')).php(),
  sql: async () => (await import('@codemirror/lang-sql')).sql(),
  ruby: async () => legacy((await import('@codemirror/legacy-modes/mode/ruby')).ruby),
  bash: async () => legacy((await import('@codemirror/legacy-modes/mode/shell')).shell),
};

function legacy(mode: Parameters<typeof StreamLanguage.define>[0]): Extension {
  return new LanguageSupport(StreamLanguage.define(mode));
}

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.modifier], color: 'var(--ansi-5)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ansi-2)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--ansi-3)' },
  { tag: [tags.typeName, tags.className], color: 'var(--ansi-6)' },
  { tag: [tags.function(tags.variableName)], color: 'var(--ansi-4)' },
]);

const look = EditorView.theme({
  '&': { backgroundColor: 'var(--bg)', color: 'var(--ink)' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-gutters': { backgroundColor: 'var(--bg)', color: 'var(--dim)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--panel)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--select)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--ink)' },
});

export const codemirrorEditor: EditorFactory = (host, events) => {
  const grammar = new Compartment();
  const states = new Map<string, EditorState>();
  const languages = new Map<string, string>();
  let shown: Document | null = null;
  let taking = false;

  const make = (next: Document) =>
    EditorState.create({
      doc: next.text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of('    '),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        lintGutter(),
        syntaxHighlighting(colours),
        look,
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
        grammar.of([]),
        next.fixed ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : [],
        EditorView.contentAttributes.of({ 'aria-label': labelOf(next), tabindex: '0' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !taking) events.changed(next.key, update.state.doc.toString());
          if (update.focusChanged) events.focused(update.view.hasFocus);
        }),
      ],
    });
  const view = new EditorView({ parent: host });

  const colourIn = async (next: Document) => {
    if (languages.get(next.key) === next.language) return;
    const extension = await GRAMMARS[next.language]?.().catch(() => null);
    if (!extension || shown?.key !== next.key) return;
    languages.set(next.key, next.language);
    view.dispatch({ effects: grammar.reconfigure(extension) });
  };

  return {
    open(next) {
      if (shown?.key !== next.key) {
        if (shown) states.set(shown.key, view.state);
        view.setState(states.get(next.key) ?? make(next));
      }
      shown = next;
      if (view.state.doc.toString() !== next.text) {
        taking = true;
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next.text } });
        taking = false;
      }
      void colourIn(next);
    },
    mark(diagnostics) {
      const { doc } = view.state;
      const marks = diagnostics.map((one) => {
        const line = doc.line(Math.min(Math.max(one.line, 1), doc.lines));
        const from = Math.min(line.from + Math.max((one.column ?? 1) - 1, 0), line.to);
        return { from, to: one.column === null ? line.to : Math.min(from + 1, line.to), severity: one.severity, message: one.message };
      });
      view.dispatch(setDiagnostics(view.state, marks));
    },
    reveal(number, column) {
      const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
      const at = Math.min(line.from + Math.max((column ?? 1) - 1, 0), line.to);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) });
      view.focus();
    },
    focus: () => view.focus(),
    // Its colours are those of the page, which change by themselves.
    theme() {},
    dispose: () => view.destroy(),
  };
};
