// Output as text in blocks that are drawn once and then left alone, however long it gets.
import type { Chunk } from '../api/generated';
import { bytesOf } from '../api/data';
import { AnsiReader, PLAIN, type Style } from './ansi';

/** Where a piece of text comes from. */
export type Source = 'stdout' | 'stderr' | 'compiler' | 'input' | 'note';

/** Text of one look. */
export interface Span {
  text: string;
  readonly style: Style;
}

/** Text that follows each other and comes from one source. */
export interface Segment {
  readonly source: Source;
  readonly spans: Span[];
}

/** Some hundred lines. `version` grows with every change; a full block changes no more. */
export interface Block {
  readonly key: number;
  version: number;
  lines: number;
  length: number;
  /** Spans in all segments. */
  pieces: number;
  readonly segments: Segment[];
}

const BLOCK_LINES = 200;
const BLOCK_LENGTH = 32_768;
const BLOCK_PIECES = 400;

interface Reader {
  readonly decoder: TextDecoder;
  readonly ansi: AnsiReader;
}

/** The text of one run. */
export class OutputText {
  blocks: Block[] = [];
  /** Complete lines so far. */
  lines = 0;
  private key = 0;
  private readers = new Map<Source, Reader>();

  clear(): void {
    this.blocks = [];
    this.lines = 0;
    this.readers.clear();
  }

  /** Adds a chunk. `echo` says whether input is to be shown: a terminal echoes it by itself. */
  push(chunk: Chunk, echo: boolean): void {
    switch (chunk.kind) {
      case 'stdout':
      case 'stderr':
      case 'compiler':
        return this.read(chunk.kind, bytesOf(chunk.data));
      case 'input':
        return echo ? this.read('input', bytesOf(chunk.data)) : undefined;
      case 'eof':
        return this.note('end of input');
      case 'signal':
        return this.note(`signal ${chunk.signal} sent`);
      case 'cut':
        return this.note('output cut off here: the limit was met');
      case 'file':
      case 'file_data':
      case 'files_left':
      case 'phase':
      case 'resize':
        return undefined;
    }
  }

  private note(text: string): void {
    const last = this.blocks.at(-1)?.segments.at(-1);
    if (last && !endsLine(last)) this.add('note', '\n', PLAIN);
    this.add('note', `${text}\n`, PLAIN);
  }

  private read(source: Source, bytes: Uint8Array): void {
    let reader = this.readers.get(source);
    if (!reader) {
      reader = { decoder: new TextDecoder(), ansi: new AnsiReader() };
      this.readers.set(source, reader);
    }
    for (const token of reader.ansi.push(reader.decoder.decode(bytes, { stream: true }))) {
      if (token.kind === 'text') this.addLines(source, token.text, token.style);
      else if (token.kind === 'return') this.eraseLine(source);
      else this.eraseOne(source);
    }
  }

  /** Adds text, a block's worth at a time. */
  private addLines(source: Source, text: string, style: Style): void {
    let from = 0;
    while (from < text.length) {
      const block = this.open();
      const room = BLOCK_LENGTH - block.length;
      let to = from;
      let lines = block.lines;
      while (to < text.length && lines < BLOCK_LINES && to - from < room) {
        const end = text.indexOf('\n', to);
        if (end < 0 || end - from >= room) {
          to = Math.min(text.length, from + room);
          break;
        }
        to = end + 1;
        lines += 1;
      }
      this.add(source, text.slice(from, to), style);
      from = to;
    }
  }

  private add(source: Source, text: string, style: Style): void {
    if (text === '') return;
    const block = this.open();
    let segment = block.segments.at(-1);
    if (segment?.source !== source) {
      segment = { source, spans: [] };
      block.segments.push(segment);
    }
    const span = segment.spans.at(-1);
    if (span && same(span.style, style)) span.text += text;
    else {
      segment.spans.push({ text, style });
      block.pieces += 1;
    }
    const lines = newlines(text);
    block.lines += lines;
    block.length += text.length;
    block.version += 1;
    this.lines += lines;
  }

  /** The block that takes more. */
  private open(): Block {
    const last = this.blocks.at(-1);
    if (last && last.lines < BLOCK_LINES && last.length < BLOCK_LENGTH && last.pieces < BLOCK_PIECES) return last;
    this.key += 1;
    const block = { key: this.key, version: 0, lines: 0, length: 0, pieces: 0, segments: [] };
    this.blocks.push(block);
    return block;
  }

  /** A carriage return: what comes next overwrites the line. */
  private eraseLine(source: Source): void {
    const segment = this.lastOf(source);
    if (!segment) return;
    for (let span = segment.spans.at(-1); span; span = segment.spans.at(-1)) {
      const at = span.text.lastIndexOf('\n');
      this.shorten(span, span.text.length - at - 1);
      if (at >= 0) return;
      segment.spans.pop();
      this.forget();
    }
  }

  private forget(): void {
    const block = this.blocks.at(-1);
    if (block) block.pieces -= 1;
  }

  private eraseOne(source: Source): void {
    const span = this.lastOf(source)?.spans.at(-1);
    if (span && span.text !== '' && !span.text.endsWith('\n')) this.shorten(span, 1);
  }

  private lastOf(source: Source): Segment | null {
    const segment = this.blocks.at(-1)?.segments.at(-1);
    return segment?.source === source ? segment : null;
  }

  private shorten(span: Span, by: number): void {
    span.text = span.text.slice(0, span.text.length - by);
    const block = this.blocks.at(-1);
    if (!block) return;
    block.length -= by;
    block.version += 1;
  }
}

/** Whether two styles look the same; the reader gives the same object while nothing changes. */
function same(a: Style, b: Style): boolean {
  return a === b || (Object.keys(a) as (keyof Style)[]).every((key) => a[key] === b[key]);
}

function endsLine(segment: Segment): boolean {
  return segment.spans.at(-1)?.text.endsWith('\n') ?? true;
}

function newlines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
