// The small pure parts: names, arguments, archives, streams, words, players, comparisons.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backoffMs } from '../src/api/backoff';
import { bytesOf, dataOf } from '../src/api/data';
import type { Chunk } from '../src/api/generated';
import { SseParser } from '../src/api/sse';
import { parse, quantile, rate, sum } from '../src/lib/prometheus';
import { diffLines } from '../src/run/diff';
import { Player } from '../src/run/player';
import { splitArgs } from '../src/workspace/args';
import { freeName, nameProblem } from '../src/workspace/names';
import { unzip, zip } from '../src/workspace/zip';

describe('names', () => {
  it.each(['', '.', '..', 'a/b', 'a\\b', 'a\0b', 'x'.repeat(256), 'ü'.repeat(128), 'taken.py'])('refuses %j', (name) => {
    expect(nameProblem(name, ['taken.py'])).not.toBeNull();
  });
  it.each(['main.py', '.env', 'a b', 'ü'.repeat(127)])('allows %j', (name) => {
    expect(nameProblem(name, ['taken.py'])).toBeNull();
  });
  it('finds a free one', () => {
    expect(freeName('a.py', ['a.py', 'a-2.py'])).toBe('a-3.py');
    expect(freeName('Makefile', ['Makefile'])).toBe('Makefile-2');
  });
});

describe('arguments', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['  a  b ', ['a', 'b']],
    [`"a b" 'c "d"' e\\ f ""`, ['a b', 'c "d"', 'e f', '']],
    [String.raw`"a\"b" '\'`, ['a"b', '\\']],
    ['x"y z"w', ['xy zw']],
  ])('%j', (line, expected) => {
    expect(splitArgs(line)).toEqual(expected);
  });
});

describe('data', () => {
  it('keeps every byte', () => {
    const all = Uint8Array.from({ length: 70_000 }, (_, n) => (n * 7) % 256);
    expect(bytesOf(dataOf(all))).toEqual(all);
    expect(dataOf(new TextEncoder().encode('\ufeffä'))).toEqual({ text: '\ufeffä' });
    expect(dataOf(Uint8Array.of(0xff))).toEqual({ base64: '/w==' });
  });
});

describe('archives', () => {
  const files = [
    { name: 'main.py', bytes: new TextEncoder().encode('print("hi")\n'.repeat(100)) },
    { name: 'ü.bin', bytes: Uint8Array.from({ length: 3000 }, (_, n) => n % 251) },
    { name: 'empty', bytes: new Uint8Array() },
  ];
  it('come back as they were', async () => {
    expect(await unzip(zip(files), 1e6)).toEqual(files);
  });
  it('can be read by others, and those of others here', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runlog-zip-'));
    try {
      writeFileSync(join(folder, 'ours.zip'), zip(files));
      const script = [
        'import zipfile',
        'ours = zipfile.ZipFile("ours.zip")',
        'assert ours.testzip() is None',
        'theirs = zipfile.ZipFile("theirs.zip", "w", zipfile.ZIP_DEFLATED)',
        '[theirs.writestr("folder/" + name, ours.read(name)) for name in ours.namelist()]',
        'theirs.close()',
      ].join('\n');
      execFileSync('python3', ['-c', script], { cwd: folder });
      expect(await unzip(new Uint8Array(readFileSync(join(folder, 'theirs.zip'))), 1e6)).toEqual(files);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  it('are refused when they are too big, broken or none', async () => {
    const archive = zip(files);
    await expect(unzip(archive, 100)).rejects.toThrow('more than');
    await expect(unzip(archive.slice(0, 40), 1e6)).rejects.toThrow('no zip');
    await expect(unzip(new Uint8Array(), 1e6)).rejects.toThrow('no zip');
    const broken = archive.slice();
    broken.fill(7, archive.length - 100, archive.length - 30);
    await expect(unzip(broken, 1e6)).rejects.toThrow('damaged');
  });
});

describe('server-sent events', () => {
  const stream = ': hello\n\nevent: output\nid: 1-2-3\ndata: {"a":1}\n\nid: 2-2-3\r\ndata: x\r\ndata:y\r\n\r\n:\n\n';
  it('are read from any pieces', () => {
    for (let size = 1; size <= stream.length; size += 1) {
      const parser = new SseParser();
      const events = [];
      for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
      expect(events).toEqual([
        { id: '1-2-3', event: 'output', data: '{"a":1}' },
        { id: '2-2-3', event: 'message', data: 'x\ny' },
      ]);
    }
  });
});

it('waits longer after each failure, and never too long', () => {
  const waits = Array.from({ length: 40 }, (_, failures) => backoffMs(failures, 1));
  expect(waits.slice(0, 4)).toEqual([250, 500, 1000, 2000]);
  expect(Math.max(...waits)).toBe(8000);
  expect(backoffMs(40, 0)).toBe(4000);
});

describe('the difference of two texts', () => {
  const lines = (n: number, change: (at: number) => string | null) =>
    Array.from({ length: n }, (_, at) => change(at)).filter((line) => line !== null).join('\n');
  it.each<[string, string]>([
    ['', ''],
    ['a\nb\nc', 'a\nc'],
    ['a\nc', 'a\nb\nc\nd'],
    ['a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc'],
    ['x', 'y'],
    [lines(3000, (at) => `${at}`), lines(3000, (at) => `${at * 2}`)],
    [lines(500, (at) => (at % 7 ? `${at}` : null)), lines(500, (at) => (at % 5 ? `${at}` : 'x'))],
  ])('gives both back (%#)', (left, right) => {
    const diff = diffLines(left, right);
    expect(diff.filter(({ side }) => side !== 'right').map(({ text }) => text).join('\n')).toBe(left);
    expect(diff.filter(({ side }) => side !== 'left').map(({ text }) => text).join('\n')).toBe(right);
  });
  it('is as short as can be', () => {
    const diff = diffLines('a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc');
    expect(diff.filter(({ side }) => side !== 'both')).toHaveLength(5);
  });
});

describe('the player', () => {
  const chunks: Chunk[] = [0, 100, 100, 900_000].map((at_us, number) => ({
    number,
    at_us,
    kind: number === 2 ? 'input' : 'stdout',
    data: { text: `${number}` },
  }));
  const watch = (player: Player) => {
    let shown: number[] = [];
    player.listen({
      clear: () => {
        shown = [];
      },
      chunks: (more) => shown.push(...more.map(({ number }) => number)),
    });
    return () => shown;
  };
  afterEach(() => vi.useRealTimers());

  it('shows at every moment what had been shown at that moment', () => {
    const player = new Player(chunks, 1_000_000);
    const shown = watch(player);
    for (const to of [100, 99, 1_000_000, 0, 899_999, 900_000]) {
      player.seek(to);
      expect(shown()).toEqual(chunks.filter(({ at_us }) => at_us <= to).map(({ number }) => number));
      expect(watch(player)()).toEqual(shown());
    }
    expect(player.state.get().typed).toBe('2');
  });

  it('plays at its speed, and stops at the end', () => {
    vi.useFakeTimers();
    const player = new Player(chunks, 1_000_000);
    const shown = watch(player);
    player.speed(4);
    player.play();
    vi.advanceTimersByTime(200);
    expect(shown()).toEqual([0, 1, 2]);
    vi.advanceTimersByTime(100);
    expect(shown()).toEqual([0, 1, 2, 3]);
    expect(player.state.get()).toMatchObject({ playing: false, at: 1_000_000 });
  });
});

describe('published numbers', () => {
  const scrape = (n: number, at: number) =>
    parse(
      `# HELP runs_total Runs.\nruns_total{language="c",text="a\\"}b"} ${n}\nruns_total{language="go"} 1\n` +
        `d_bucket{le="0.1"} ${n}\nd_bucket{le="1"} ${2 * n}\nd_bucket{le="+Inf"} ${2 * n}\n`,
      at,
    );
  it('are summed, and their growth measured', () => {
    const [before, now] = [scrape(10, 0), scrape(30, 2000)];
    expect(now.samples[0]?.labels).toEqual({ language: 'c', text: 'a"}b' });
    expect(now.help.get('runs_total')).toBe('Runs.');
    expect(sum(now, 'runs_total')).toBe(31);
    expect(sum(now, 'other')).toBeNull();
    expect(rate(before, now, 'runs_total', { language: 'c' })).toBe(10);
    expect(rate(now, scrape(5, 3000), 'runs_total', { language: 'c' })).toBe(5);
    expect(quantile(before, now, 'd', 0.5)).toBeCloseTo(0.1);
    expect(quantile(before, now, 'd', 0.75)).toBeCloseTo(0.55);
    expect(quantile(now, now, 'd', 0.5)).toBeNull();
  });
});
