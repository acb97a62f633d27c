const PATHS = {
  play: 'M6 4l13 8-13 8z',
  stop: 'M6 6h12v12H6z',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  sun: 'M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 019.5 4 8.5 8.5 0 1020 14.5z',
  system: 'M3 5h18v12H3zM8 21h8M12 17v4',
  help: 'M9.2 9a3 3 0 115 2.2c-1.2 1-2.2 1.5-2.2 3M12 18h.01',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  upload: 'M12 16V5M7 9l5-5 5 5M5 20h14',
  file: 'M7 3h7l4 4v14H7zM14 3v5h4',
  book: 'M5 4h11a3 3 0 013 3v13H8a3 3 0 01-3-3zM5 17a3 3 0 013-3h11',
  share: 'M12 15V4M8 8l4-4 4 4M5 13v7h14v-7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M7 7l10 10M17 7L7 17',
  warn: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  pause: 'M8 5v14M16 5v14',
  again: 'M4 12a8 8 0 108-8 8 8 0 00-6 2.7L4 9M4 4v5h5',
  down: 'M6 9l6 6 6-6',
  right: 'M9 6l6 6-6 6',
  dot: 'M12 10a2 2 0 100 4 2 2 0 000-4z',
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

const FILLED: readonly IconName[] = ['play', 'stop', 'dot'];

/** An icon. It says nothing by itself: what bears it has the name. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const filled = FILLED.includes(name);
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={filled ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth={filled ? 1 : 2}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
