import { useEffect, useRef, useState } from 'react';
import { dark, settings, simpleEditor } from '../app/settings';
import { useStore } from '../lib/store';
import type { Diagnostic } from '../run/diagnostics';
import { plainEditor } from './plain';
import type { Document, EditorFactory, EditorPort } from './port';

interface Props {
  readonly document: Document;
  readonly diagnostics: readonly Diagnostic[];
  readonly onChange: (key: string, text: string) => void;
  /** Where the caret is to go; a new object each time. */
  readonly goal: { readonly line: number; readonly column: number | null } | null;
  readonly port: React.RefObject<EditorPort | null>;
}

/** Fetches the editor that suits; the plain one stays where that fails. */
async function load(simple: boolean): Promise<EditorFactory> {
  if (simple) return (await import('./codemirror')).codemirrorEditor;
  return (await import('./monaco/load')).loadMonaco();
}

/** The code: at once in a plain view, a moment later in a full editor, without losing a letter. */
export function CodeEditor({ document, diagnostics, onChange, goal, port }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef(document);
  const changed = useRef(onChange);
  const simple = useStore(settings, simpleEditor);
  const isDark = useStore(dark, (value) => value);
  const [focused, setFocused] = useState(false);
  const [ready, setReady] = useState(0);

  useEffect(() => {
    shown.current = document;
    changed.current = onChange;
  });

  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    let gone = false;
    const events = {
      changed: (key: string, text: string) => changed.current(key, text),
      focused: setFocused,
    };
    const swap = (factory: EditorFactory) => {
      const hadFocus = element.contains(window.document.activeElement);
      port.current?.dispose();
      element.replaceChildren();
      port.current = factory(element, events, dark.get());
      port.current.open(shown.current);
      if (hadFocus) port.current.focus();
      setReady((count) => count + 1);
    };
    swap(plainEditor);
    load(simple).then(
      (factory) => {
        if (!gone) swap(factory);
      },
      // The network or a new version took the file away; the plain view does for now.
      () => undefined,
    );
    return () => {
      gone = true;
      port.current?.dispose();
      port.current = null;
    };
  }, [simple, port]);

  useEffect(() => port.current?.open(document), [document, port]);
  useEffect(() => port.current?.mark(diagnostics), [diagnostics, document.key, ready, port]);
  useEffect(() => port.current?.theme(isDark), [isDark, port]);
  useEffect(() => {
    if (goal) port.current?.reveal(goal.line, goal.column);
  }, [goal, port]);

  return (
    <div className="relative min-h-0 flex-1">
      <div ref={host} className="absolute inset-0 overflow-hidden" data-testid="editor" />
      {focused && (
        <p className="pointer-events-none absolute right-4 bottom-1 rounded bg-panel px-1.5 py-0.5 text-xs text-dim">
          <span className="kbd">{navigator.platform.startsWith('Mac') ? 'Ctrl+Shift+M' : 'Ctrl+M'}</span> lets Tab leave
          the editor
        </p>
      )}
    </div>
  );
}
