// The fold of the log, on the same fixtures as the one in Rust.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEvent, decodeOutput, type ExecutionEvent } from '../src/log/event';
import { ABSENT, type Execution, fold, recordedAttempt } from '../src/log/fold';

const folder = new URL('../../schemas/tests/wire/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const event = (name: string) => decodeEvent(read(`event.${name}.v1.json`));

/** Without what JSON may leave out. */
const bare = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

const submitted = event('submitted');
const started = event('started');
const retried = event('retried');
const cancelRequested = event('cancel_requested');
const finished = event('finished');

const foldAll = (events: readonly ExecutionEvent[], from: Execution = ABSENT) => events.reduce(fold, from);
const second = { ...started, attempt: 2 } as ExecutionEvent;

describe('the wire format', () => {
  it.each(readdirSync(folder).filter((name) => name.startsWith('event.')))('%s is read without loss', (name) => {
    expect(bare(decodeEvent(read(name)))).toEqual(JSON.parse(read(name)));
  });

  it('a recording is read without loss', () => {
    expect(bare(decodeOutput(read('output.v1.json')))).toEqual(JSON.parse(read('output.v1.json')));
  });

  it.each([
    '{"v":2,"at_ms":1,"type":"started","attempt":1,"worker":"w"}',
    '{"v":1,"at_ms":1,"type":"teleported"}',
    '{"v":1,"at_ms":1,"type":"started","attempt":1}',
    '{"at_ms":1,"type":"expired"}',
    '',
  ])('refuses %s and never skips it', (json) => {
    expect(() => decodeEvent(json)).toThrow();
  });
});

describe('fold', () => {
  it('follows an execution from its submission over a retry to its end', () => {
    const execution = foldAll([submitted, started, retried, second, finished]);
    expect(execution.origin?.language).toBe('cpp');
    expect(execution.attempts.map(({ number, failure }) => [number, failure])).toEqual([
      [1, 'no cell could be made'],
      [2, null],
    ]);
    expect(execution.state).toMatchObject({ name: 'ended', outcome: { kind: 'time_limit', clock: 'wall' } });
    expect(recordedAttempt(execution)).toBe(2);
  });

  it('marks an attempt that its worker handed back', () => {
    const handedBack = decodeEvent(read('event.retried.v1+handed_back.json'));
    const execution = foldAll([submitted, started, handedBack]);
    expect(execution.attempts[0]).toMatchObject({ failure: 'the worker was shut down', handed_back: true });
  });

  it('lets a newer worker take over one that was lost, and keeps the wish to end it', () => {
    const execution = foldAll([submitted, started, cancelRequested, second]);
    expect(execution.state).toEqual({ name: 'running', attempt: 2, cancelling: true });
    expect(execution.attempts[0]?.failure).toBe('the worker was lost');
  });

  it('ends what waits by a cancel or for waiting too long, and nothing else', () => {
    for (const name of ['cancelled', 'expired'] as const) {
      expect(foldAll([submitted, event(name)]).state).toMatchObject({ name: 'ended', outcome: { kind: name } });
      const running = foldAll([submitted, started]);
      expect(fold(running, event(name))).toBe(running);
    }
  });

  it('calls a dead execution our fault', () => {
    const third = { ...started, attempt: 3 } as ExecutionEvent;
    const execution = foldAll([submitted, started, second, third, event('dead')]);
    expect(execution.state).toMatchObject({ name: 'ended', outcome: { kind: 'system_error' } });
  });

  const history = [submitted, started, cancelRequested, retried, second, finished];

  it('changes nothing when an event comes again', () => {
    let execution = ABSENT;
    history.forEach((next, at) => {
      execution = fold(execution, next);
      for (const earlier of history.slice(0, at + 1)) {
        const again = fold(execution, earlier);
        // A cancel may be asked for twice, in a later attempt as well: it is no repetition then.
        if (earlier.type !== 'cancel_requested') expect(again).toEqual(execution);
      }
    });
  });

  it('leaves an execution that ended as it is', () => {
    const ended = foldAll(history);
    for (const next of [...history, event('dead'), event('expired'), event('cancelled')]) {
      expect(fold(ended, next)).toBe(ended);
    }
  });

  it('gives the same in two parts as in one', () => {
    for (let cut = 0; cut <= history.length; cut += 1) {
      expect(foldAll(history.slice(cut), foldAll(history.slice(0, cut)))).toEqual(foldAll(history));
    }
  });
});
