import { describe, expect, it } from 'vitest';
import { dataOf } from '../src/api/data';
import type { Chunk } from '../src/api/generated';
import { AnsiReader } from '../src/console/ansi';
import { OutputText } from '../src/console/text';

const ESC = '\x1b';
const plain = (pieces: readonly string[]) => {
  const reader = new AnsiReader();
  return pieces
    .flatMap((piece) => reader.push(piece))
    .map((token) => (token.kind === 'text' ? token.text : token.kind === 'return' ? '<cr>' : '<bs>'))
    .join('');
};
const everyCut = (text: string) => Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);

describe('escapes', () => {
  it.each([
    ['a title', `${ESC}]0;pwned\x07`],
    ['a title ended otherwise', `${ESC}]2;pwned${ESC}\\`],
    ['the clipboard', `${ESC}]52;c;cm0gLXJm\x07`],
    ['a link', `${ESC}]8;;javascript:alert(1)\x07`],
    ['a question', `${ESC}[6n${ESC}[c${ESC}P$qm${ESC}\\`],
    ['the other screen and the mouse', `${ESC}[?1049h${ESC}[?1003h`],
    ['a clear', `${ESC}[2J${ESC}[H`],
    ['a saved cursor and a character set', `${ESC}7${ESC}(0${ESC}8`],
    ['bells and nulls', '\x07\x00\x0e'],
  ])('drops %s, wherever the pieces are cut', (_, escape) => {
    for (const pieces of everyCut(`before${escape}after`)) expect(plain(pieces)).toBe('beforeafter');
  });

  it('keeps colours', () => {
    const [red, all, off] = new AnsiReader().push(`${ESC}[1;31ma${ESC}[38;2;1;2;300mb${ESC}[0mc`);
    expect(red).toMatchObject({ text: 'a', style: { fg: 1, bold: true } });
    expect(all).toMatchObject({ text: 'b', style: { fg: 'rgb(1 2 255)', bold: true } });
    expect(off).toMatchObject({ text: 'c', style: { fg: null, bold: false } });
  });

  it('gives up on a string that never ends, and finds its end all the same', () => {
    const reader = new AnsiReader();
    for (let piece = 0; piece < 2000; piece += 1) expect(reader.push(piece === 0 ? `${ESC}P` : 'q'.repeat(1000))).toEqual([]);
    expect(reader.push(`${ESC}`)).toEqual([]);
    expect(reader.push('\\after')).toMatchObject([{ text: 'after' }]);
  });

  it('is quick with a million escapes', () => {
    // Of the processor's time, which other work on the machine does not use up.
    const before = process.cpuUsage();
    plain([`${ESC}[31mx`.repeat(1_000_000)]);
    // Quadratic work would take minutes.
    expect(process.cpuUsage(before).user).toBeLessThan(30_000_000);
  });
});

const chunk = (number: number, kind: 'stdout' | 'stderr', bytes: Uint8Array): Chunk => ({
  number,
  at_us: number,
  kind,
  data: dataOf(bytes),
});
const shown = (text: OutputText) =>
  text.blocks
    .flatMap((block) => block.segments)
    .flatMap((segment) => segment.spans)
    .map((span) => span.text)
    .join('');
const of = (...pieces: string[]) => {
  const text = new OutputText();
  pieces.forEach((piece, at) => text.push(chunk(at, 'stdout', new TextEncoder().encode(piece)), false));
  return text;
};

describe('output as text', () => {
  it('survives characters that are split between chunks', () => {
    const bytes = new TextEncoder().encode('naïve 日本 🚀\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const text = new OutputText();
      text.push(chunk(0, 'stdout', bytes.slice(0, cut)), false);
      text.push(chunk(1, 'stdout', bytes.slice(cut)), false);
      expect(shown(text)).toBe('naïve 日本 🚀\n');
    }
  });

  it('draws a progress bar on its line', () => {
    expect(shown(of('first\n10 %', '\r20 %\r', '100 %\r\ndone\n'))).toBe('first\n100 %\ndone\n');
    expect(shown(of('abc\b\bX\n'))).toBe('aX\n');
  });

  it('tells the streams apart', () => {
    const text = new OutputText();
    text.push(chunk(0, 'stdout', new TextEncoder().encode('out\n')), false);
    text.push(chunk(1, 'stderr', new TextEncoder().encode('err\n')), false);
    expect(text.blocks[0]?.segments.map(({ source }) => source)).toEqual(['stdout', 'stderr']);
  });

  it('keeps every line of a long output, in blocks that stay as they are', () => {
    const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n}\n`);
    const text = of(...lines);
    expect(text.lines).toBe(100_000);
    expect(shown(text)).toBe(lines.join(''));
    expect(Math.max(...text.blocks.map((block) => block.lines))).toBeLessThanOrEqual(200);
    const [first] = text.blocks;
    const version = first?.version;
    text.push(chunk(1, 'stdout', new TextEncoder().encode('more\n')), false);
    expect(text.blocks[0]).toBe(first);
    expect(first?.version).toBe(version);
  });

  it('keeps a line without an end, and bytes that are no text', () => {
    expect(shown(of('x'.repeat(500_000)))).toHaveLength(500_000);
    const text = new OutputText();
    text.push(chunk(0, 'stdout', Uint8Array.of(0x41, 0xff, 0x00, 0x42, 0x0a)), false);
    expect(shown(text)).toBe('A\ufffdB\n');
  });
});
