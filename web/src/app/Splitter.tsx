import type { KeyboardEvent, PointerEvent } from 'react';

interface Props {
  /** The left part's share, 0 to 1. */
  readonly value: number;
  readonly onChange: (value: number) => void;
}

const LEAST = 0.2;
const MOST = 0.75;
const STEP = 0.03;

/** The line between two panes; it can be dragged, and moved with the arrow keys. */
export function Splitter({ value, onChange }: Props) {
  const clamp = (share: number) => Math.min(MOST, Math.max(LEAST, share));
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const parent = event.currentTarget.parentElement;
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !parent) return;
    const box = parent.getBoundingClientRect();
    const files = parent.querySelector('[data-pane="files"]')?.getBoundingClientRect().width ?? 0;
    onChange(clamp((event.clientX - box.left - files) / box.width));
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') onChange(clamp(value - STEP));
    if (event.key === 'ArrowRight') onChange(clamp(value + STEP));
  };
  return (
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the code"
      aria-valuenow={Math.round(value * 100)}
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      tabIndex={0}
      className="w-1.5 shrink-0 cursor-col-resize touch-none border-l border-line bg-panel hover:bg-raised max-md:hidden"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={press}
    />
  );
}
