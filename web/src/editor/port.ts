import type { Diagnostic } from '../run/diagnostics';

/** A file to edit. */
export interface Document {
  /** Names it among all documents; history and scroll position are kept by it. */
  readonly key: string;
  readonly name: string;
  readonly language: string;
  readonly text: string;
  /** Whether it can be read only. */
  readonly fixed?: boolean;
}

/** What an editor reports. */
export interface EditorEvents {
  changed(key: string, text: string): void;
  focused(focused: boolean): void;
}

/** An editor. Monaco, CodeMirror and the plain view stand behind this one interface. */
export interface EditorPort {
  /** Shows a document; the same one again only takes over a text that differs. */
  open(document: Document): void;
  /** Marks places in the document that is shown. */
  mark(diagnostics: readonly Diagnostic[]): void;
  reveal(line: number, column: number | null): void;
  focus(): void;
  theme(dark: boolean): void;
  dispose(): void;
}

/** Makes an editor in an element. */
export type EditorFactory = (host: HTMLElement, events: EditorEvents, dark: boolean) => EditorPort;

/** What an editor tells a screen reader about itself. */
export function labelOf(document: Document): string {
  if (document.fixed) return `${document.name}, code`;
  const chord = navigator.platform.startsWith('Mac') ? 'Control+Shift+M' : 'Control+M';
  return `${document.name}, code editor. Press ${chord} to let Tab leave the editor, F6 for the next pane.`;
}
