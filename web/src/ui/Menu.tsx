import { type ReactNode, useEffect, useRef } from 'react';
import { Icon, type IconName } from './icons';

interface MenuProps {
  readonly label: string;
  readonly icon?: IconName;
  /** Whether it opens below its button instead of above. */
  readonly down?: boolean;
  readonly onOpen?: () => void;
  readonly children: ReactNode;
}

/** A button that opens a short list of things to do. Closes at a choice, at Escape and outside. */
export function Menu({ label, icon = 'more', down = false, onOpen, children }: MenuProps) {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const shut = () => details.current?.removeAttribute('open');
    const outside = (event: PointerEvent) => {
      if (event.target instanceof Node && !details.current?.contains(event.target)) shut();
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !details.current?.open) return;
      shut();
      details.current.querySelector('summary')?.focus();
    };
    addEventListener('pointerdown', outside);
    addEventListener('keydown', escape);
    return () => {
      removeEventListener('pointerdown', outside);
      removeEventListener('keydown', escape);
    };
  }, []);
  return (
    <details ref={details} className="relative shrink-0" onToggle={(event) => event.currentTarget.open && onOpen?.()}>
      <summary className="btn btn-icon list-none [&::-webkit-details-marker]:hidden" aria-label={label} title={label}>
        <Icon name={icon} />
      </summary>
      {/* The click is that of a button or a link inside; the list only closes behind it. */}
      <div
        className={`absolute z-20 flex w-max flex-col ${down ? 'top-full left-0 mt-1 ' : 'right-0 bottom-full mb-1'} rounded-lg border border-line bg-bg p-1 shadow-lg`}
        onClick={() => details.current?.removeAttribute('open')}
      >
        {children}
      </div>
    </details>
  );
}
