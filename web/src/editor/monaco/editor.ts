// Monaco behind the editor interface. Its parts have been loaded before, one by one: see `load.ts`.
import * as monaco from 'monaco-editor/editor';
import EditorWorker from 'monaco-editor/editor/editor.worker?worker';
import type { Diagnostic } from '../../run/diagnostics';
import { colour } from '../palette';
import { type Document, type EditorFactory, labelOf } from '../port';

self.MonacoEnvironment = { getWorker: () => new EditorWorker() };

/** Ids that Monaco calls otherwise than we do. */
const NAMES: Record<string, string> = { bash: 'shell', sqlite: 'sql' };

const SEVERITY = {
  error: monaco.MarkerSeverity.Error,
  warning: monaco.MarkerSeverity.Warning,
  info: monaco.MarkerSeverity.Info,
};

const OWNER = 'runlog';

/** Sets up what all editors share, which would otherwise be a part of making the first one. */
export function warmUp(): void {
  monaco.editor.createModel('').dispose();
}

export const monacoEditor: EditorFactory = (host, events, dark) => {
  paint(dark);
  const editor = monaco.editor.create(host, {
    model: null,
    automaticLayout: true,
    accessibilitySupport: 'auto',
    fontFamily: getComputedStyle(document.body).getPropertyValue('--font-mono') || 'monospace',
    fontSize: 14,
    lineHeight: 21,
    minimap: { enabled: false },
    scrollBeyondLastLine: false,
    padding: { top: 8, bottom: 8 },
    renderLineHighlight: 'line',
    overviewRulerBorder: false,
    lineNumbersMinChars: 4,
    fixedOverflowWidgets: true,
    bracketPairColorization: { enabled: false },
    smoothScrolling: false,
    scrollbar: { useShadows: false, verticalScrollbarSize: 10, horizontalScrollbarSize: 10 },
  });
  const gutter = editor.createDecorationsCollection();
  const models = new Map<string, monaco.editor.ITextModel>();
  const views = new Map<string, monaco.editor.ICodeEditorViewState | null>();
  let shown: Document | null = null;
  let taking = false;

  const modelOf = (next: Document) => {
    const known = models.get(next.key);
    if (known) return known;
    const model = monaco.editor.createModel(next.text, NAMES[next.language] ?? next.language);
    model.onDidChangeContent(() => {
      if (!taking) events.changed(next.key, model.getValue());
    });
    models.set(next.key, model);
    return model;
  };
  editor.onDidFocusEditorText(() => events.focused(true));
  editor.onDidBlurEditorText(() => events.focused(false));

  return {
    open(next) {
      const model = modelOf(next);
      if (model.getValue() !== next.text) {
        taking = true;
        model.setValue(next.text);
        taking = false;
      }
      if (shown?.key !== next.key) {
        if (shown) views.set(shown.key, editor.saveViewState());
        editor.setModel(model);
        editor.restoreViewState(views.get(next.key) ?? null);
        editor.updateOptions({ ariaLabel: labelOf(next) });
      }
      shown = next;
    },
    mark(diagnostics) {
      const model = editor.getModel();
      if (!model) return;
      monaco.editor.setModelMarkers(model, OWNER, diagnostics.map((one) => marker(model, one)));
      gutter.set(diagnostics.map((one) => gutterSign(model, one)));
    },
    reveal(line, column) {
      const position = { lineNumber: line, column: column ?? 1 };
      editor.setPosition(position);
      editor.revealPositionInCenterIfOutsideViewport(position);
      editor.focus();
    },
    focus: () => editor.focus(),
    theme: paint,
    dispose() {
      editor.dispose();
      for (const model of models.values()) model.dispose();
    },
  };
};

function marker(model: monaco.editor.ITextModel, one: Diagnostic): monaco.editor.IMarkerData {
  const line = Math.min(Math.max(one.line, 1), model.getLineCount());
  const word = one.column === null ? null : model.getWordAtPosition({ lineNumber: line, column: one.column });
  return {
    severity: SEVERITY[one.severity],
    message: one.message,
    startLineNumber: line,
    endLineNumber: line,
    startColumn: word?.startColumn ?? one.column ?? (model.getLineFirstNonWhitespaceColumn(line) || 1),
    endColumn: word?.endColumn ?? (one.column === null ? model.getLineMaxColumn(line) : one.column + 1),
  };
}

/** A sign beside the number of the line, which says what stands there when it is pointed at. */
function gutterSign(model: monaco.editor.ITextModel, one: Diagnostic): monaco.editor.IModelDeltaDecoration {
  const line = Math.min(Math.max(one.line, 1), model.getLineCount());
  return {
    range: new monaco.Range(line, 1, line, 1),
    options: {
      linesDecorationsClassName: `problem-line problem-${one.severity}`,
      linesDecorationsTooltip: one.message,
    },
  };
}

/** Gives Monaco the page's own colours. */
function paint(dark: boolean): void {
  const bare = (name: string) => colour(name).slice(1);
  const name = dark ? 'runlog-dark' : 'runlog-light';
  monaco.editor.defineTheme(name, {
    base: dark ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: 'comment', foreground: bare('dim'), fontStyle: 'italic' },
      { token: 'keyword', foreground: bare('ansi-5') },
      { token: 'string', foreground: bare('ansi-2') },
      { token: 'number', foreground: bare('ansi-3') },
      { token: 'type', foreground: bare('ansi-6') },
      { token: 'annotation', foreground: bare('ansi-3') },
    ],
    colors: {
      'editor.background': colour('bg'),
      'editor.foreground': colour('ink'),
      'editorLineNumber.foreground': colour('dim'),
      'editorLineNumber.activeForeground': colour('ink'),
      'editor.lineHighlightBackground': colour('panel'),
      'editor.lineHighlightBorder': colour('panel'),
      'editor.selectionBackground': colour('select'),
      'editorCursor.foreground': colour('accent'),
      'editorWidget.background': colour('panel'),
      'editorWidget.border': colour('line'),
      'focusBorder': colour('accent'),
    },
  });
  monaco.editor.setTheme(name);
}
