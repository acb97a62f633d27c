const FIRST_MS = 250;
const LONGEST_MS = 8000;

/** How long to wait before the next try to connect; `spread` is random, from 0 to 1. */
export function backoffMs(failures: number, spread: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return full * (0.5 + spread / 2);
}
