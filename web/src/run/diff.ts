/** A line of a comparison. */
export interface DiffLine {
  readonly side: 'both' | 'left' | 'right';
  readonly text: string;
}

/** More differences than this are not looked for one by one: nobody reads them. */
const MOST_STEPS = 2000;

/** The difference of two texts, line by line (Myers' algorithm). */
export function diffLines(left: string, right: string): DiffLine[] {
  const a = left.split('\n');
  const b = right.split('\n');
  let front = 0;
  while (front < a.length && front < b.length && a[front] === b[front]) front += 1;
  let back = 0;
  while (back < a.length - front && back < b.length - front && a[a.length - 1 - back] === b[b.length - 1 - back]) back += 1;
  const both = (text: string): DiffLine => ({ side: 'both', text });
  return [
    ...a.slice(0, front).map(both),
    ...middle(a.slice(front, a.length - back), b.slice(front, b.length - back)),
    ...a.slice(a.length - back).map(both),
  ];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const trace = search(a, b);
  if (!trace) {
    return [
      ...a.map((text): DiffLine => ({ side: 'left', text })),
      ...b.map((text): DiffLine => ({ side: 'right', text })),
    ];
  }
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let step = trace.length - 1; step >= 0; step -= 1) {
    const reach = trace[step] ?? new Map<number, number>();
    const k = x - y;
    const down = step > 0 && (k === -step || (k !== step && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1)));
    const fromK = down ? k + 1 : k - 1;
    const fromX = step === 0 ? 0 : (reach.get(fromK) ?? 0);
    const fromY = step === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && a[x - 1] === b[y - 1]) {
      x -= 1;
      y -= 1;
      lines.push({ side: 'both', text: a[x] ?? '' });
    }
    if (step === 0) break;
    if (down) lines.push({ side: 'right', text: b[fromY] ?? '' });
    else lines.push({ side: 'left', text: a[fromX] ?? '' });
    x = fromX;
    y = fromY;
  }
  return lines.reverse();
}

/** How far each diagonal reaches before each step; `null` where the texts differ too much. */
function search(a: readonly string[], b: readonly string[]): Map<number, number>[] | null {
  const reach = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  const most = Math.min(a.length + b.length, MOST_STEPS);
  for (let step = 0; step <= most; step += 1) {
    trace.push(new Map(reach));
    for (let k = -step; k <= step; k += 2) {
      const down = k === -step || (k !== step && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      reach.set(k, x);
      if (x >= a.length && y >= b.length) return trace;
    }
  }
  return null;
}
