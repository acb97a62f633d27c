import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEvent, decodeOutput, type ExecutionEvent, type OutputMessage } from '../src/log/event';
import { Timeline } from '../src/log/timeline';

const read = (name: string) => readFileSync(new URL(`../../schemas/tests/wire/${name}`, import.meta.url), 'utf8');
const recorded = decodeOutput(read('output.v1.json'));
const finished = decodeEvent(read('event.finished.v1.json'));
if (finished.type !== 'finished') throw new Error('the fixture is another event');

const part = (attempt: number, from: number, to: number): OutputMessage => ({
  ...recorded,
  attempt,
  chunks: recorded.chunks.slice(from, to),
});
const lifecycle: [number, ExecutionEvent][] = [
  [10, decodeEvent(read('event.submitted.v1.json'))],
  [11, decodeEvent(read('event.started.v1.json'))],
  [20, decodeEvent(read('event.retried.v1.json'))],
  [21, { ...decodeEvent(read('event.started.v1.json')), attempt: 2 } as ExecutionEvent],
  [30, { ...finished, output: { ...finished.output, last_sequence: 103 } }],
];
const output: [number, OutputMessage][] = [
  [100, part(1, 0, 3)],
  [101, part(2, 0, 4)],
  // Its append went unanswered, so its worker wrote the last of it once more.
  [102, part(2, 2, 6)],
  [103, part(2, 6, 10)],
];

/** What a viewer sees who gets the messages in the order of `picks`: true for the lifecycle. */
function watch(picks: readonly boolean[]): string[] {
  const timeline = new Timeline();
  const left = [...lifecycle];
  const right = [...output];
  const screen: string[] = [];
  for (const first of [...picks, ...Array<boolean>(20).fill(true)]) {
    const event = first || right.length === 0 ? left.shift() : undefined;
    const batch = event === undefined ? right.shift() : undefined;
    for (let time = 0; time < 2; time += 1) {
      const items = event ? timeline.pushEvent(...event) : batch ? timeline.pushOutput(...batch) : [];
      for (const item of items) {
        if (item.kind === 'output') screen.push(...item.batch.chunks.map((chunk) => `${item.batch.attempt}.${chunk.number}`));
        else {
          if (item.event.type === 'started' || item.event.type === 'retried') screen.length = 0;
          screen.push(item.event.type);
        }
      }
    }
  }
  expect(timeline.over).toBe(true);
  return screen;
}

describe('the timeline', () => {
  it('shows the same for every interleaving, with every message twice', () => {
    const expected = ['started', ...recorded.chunks.map((chunk) => `2.${chunk.number}`), 'finished'];
    for (let mask = 0; mask < 2 ** 9; mask += 1) {
      const picks = Array.from({ length: 9 }, (_, bit) => (mask & (1 << bit)) !== 0);
      expect(watch(picks)).toEqual(expected);
    }
  });

  it('can be ended although output is missing', () => {
    const timeline = new Timeline();
    for (const message of lifecycle) timeline.pushEvent(...message);
    expect(timeline.over).toBe(false);
    expect(timeline.endNow()).toHaveLength(1);
    expect(timeline.over).toBe(true);
  });
});
