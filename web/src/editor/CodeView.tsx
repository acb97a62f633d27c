import { useEffect, useRef } from 'react';
import { dark } from '../app/settings';
import { plainEditor } from './plain';
import type { EditorPort } from './port';

/** Code to read: at once as plain text, a moment later with colours. */
export function CodeView({ name, language, text }: { name: string; language: string; text: string }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const nothing = { changed: () => undefined, focused: () => undefined };
    const document = { key: name, name, language, text, fixed: true };
    let gone = false;
    let port: EditorPort = plainEditor(element, nothing, dark.get());
    port.open(document);
    import('./codemirror').then(
      ({ codemirrorEditor }) => {
        if (gone) return;
        port.dispose();
        port = codemirrorEditor(element, nothing, dark.get());
        port.open(document);
      },
      // Without it the plain text stays.
      () => undefined,
    );
    return () => {
      gone = true;
      port.dispose();
    };
  }, [name, language, text]);
  return (
    <div className="relative min-h-0 flex-1">
      <div ref={host} className="absolute inset-0 overflow-hidden" data-testid="code" />
    </div>
  );
}
