// Loads Monaco in parts. It is so large that to evaluate it at once would hold the page up for longer
// than a key press may take; so each part has a task of its own, with room for input between them.
import type { EditorFactory } from '../port';

/** From the lowest layer to the highest; each needs those before it, and they need none after. */
const PARTS: readonly (() => Promise<unknown>)[] = [
  () => import('monaco-editor/editor/common/model/textModel'),
  () => import('monaco-editor/editor/browser/view'),
  () => import('monaco-editor/editor/browser/widget/codeEditor/codeEditorWidget'),
  () => import('monaco-editor/editor/standalone/browser/standaloneServices'),
  () => import('monaco-editor/editor'),
  () => import('./languages'),
  () => import('./features'),
];

/** The longest that a busy page is waited for. */
const PATIENCE_MS = 200;

/** Loads Monaco without holding the page up. */
export async function loadMonaco(): Promise<EditorFactory> {
  for (const part of PARTS) {
    await part();
    await idle();
  }
  const { monacoEditor, warmUp } = await import('./editor');
  await idle();
  warmUp();
  await idle();
  return monacoEditor;
}

/** Resolves when the page has nothing else to do. */
function idle(): Promise<void> {
  return new Promise((resolve) => {
    // Safari has no idle callbacks.
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: PATIENCE_MS });
    else setTimeout(resolve);
  });
}
