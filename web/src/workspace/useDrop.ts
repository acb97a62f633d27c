import { useEffect, useRef, useState } from 'react';

/**
 * Takes files that are dropped anywhere on the page, which a browser would open in its place.
 * Says whether some are held above it.
 */
export function useDrop(take: (files: readonly File[]) => void): boolean {
  const [held, setHeld] = useState(false);
  const taken = useRef(take);
  useEffect(() => {
    taken.current = take;
  });
  useEffect(() => {
    const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setHeld(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setHeld(false);
    };
    const drop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      setHeld(false);
      taken.current([...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener('dragover', over, { capture: true });
    addEventListener('dragleave', leave);
    addEventListener('drop', drop, { capture: true });
    return () => {
      removeEventListener('dragover', over, { capture: true });
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop, { capture: true });
    };
  }, []);
  return held;
}
