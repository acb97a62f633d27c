// Reads what a program wrote for a terminal as plain, coloured text. Colours are kept; every other
// escape (titles, clipboard, links, cursor movement) is dropped without effect.

/** How a piece of text looks. Colours are 0 to 15 of the palette, or a css colour. */
export interface Style {
  readonly fg: number | string | null;
  readonly bg: number | string | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

/** What comes out: text of one look, or a movement on the line. */
export type Token =
  | { readonly kind: 'text'; readonly text: string; readonly style: Style }
  | { readonly kind: 'return' }
  | { readonly kind: 'back' };

export const PLAIN: Style = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
};

/** The longest escape that is waited for; what is longer is no escape that we know. */
const LONGEST_ESCAPE = 4096;

// eslint-disable-next-line no-control-regex -- control characters are what this file is about
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f\x9b\x9d]/;
// eslint-disable-next-line no-control-regex -- as above
const CSI = /^(?:\x1b\[|\x9b)([0-?]*)([ -/]*)([@-~])/;
// eslint-disable-next-line no-control-regex -- as above
const STRING = /^(?:\x1b[\]PX^_]|\x9d)(?:[^\x07\x1b\x9c]|\x1b(?!\\))*(?:\x07|\x1b\\|\x9c)/;
// eslint-disable-next-line no-control-regex -- as above
const STRING_START = /^(?:\x1b[\]PX^_]|\x9d)/;
// eslint-disable-next-line no-control-regex -- as above
const UNFINISHED = /^(?:\x1b(?:\[[0-?]*)?[ -/]*|\x9b[0-?]*[ -/]*)$/;
// eslint-disable-next-line no-control-regex -- as above
const SHORT = /^\x1b[ -/]*[0-~]/;

/** Reads text that arrives in any pieces. */
export class AnsiReader {
  private style = PLAIN;
  private rest = '';
  private skipping = false;

  push(piece: string): Token[] {
    let text = this.rest + piece;
    this.rest = '';
    const tokens: Token[] = [];
    while (text.length > 0) {
      if (this.skipping) {
        text = this.skip(text);
        continue;
      }
      const at = text.search(CONTROL);
      if (at !== 0) {
        const plain = at < 0 ? text : text.slice(0, at);
        tokens.push({ kind: 'text', text: plain, style: this.style });
        text = at < 0 ? '' : text.slice(at);
        continue;
      }
      const length = this.control(text, tokens);
      if (length === 0) {
        this.rest = text;
        break;
      }
      text = text.slice(length);
    }
    return tokens;
  }

  /** Handles what stands in front; gives its length, 0 where more must come first. */
  private control(text: string, tokens: Token[]): number {
    const first = text[0];
    if (first === '\r') {
      if (text.length === 1) return 0;
      if (text[1] !== '\n') tokens.push({ kind: 'return' });
      return 1;
    }
    if (first === '\b') {
      tokens.push({ kind: 'back' });
      return 1;
    }
    if (first !== '\x1b' && first !== '\x9b' && first !== '\x9d') return 1;
    const csi = CSI.exec(text);
    if (csi) {
      if (csi[3] === 'm' && csi[2] === '') this.style = restyle(this.style, csi[1] ?? '');
      return csi[0].length;
    }
    const string = STRING.exec(text);
    if (string) return string[0].length;
    if (STRING_START.test(text)) {
      if (text.length < LONGEST_ESCAPE) return 0;
      this.skipping = true;
      return text.endsWith('\x1b') ? text.length - 1 : text.length;
    }
    if (UNFINISHED.test(text) && text.length < LONGEST_ESCAPE) return 0;
    return SHORT.exec(text)?.[0].length ?? 1;
  }

  /** Drops the rest of an endless string; gives what stands behind it. */
  private skip(text: string): string {
    // eslint-disable-next-line no-control-regex -- as above
    const end = /\x07|\x1b\\|\x9c/.exec(text);
    if (end) {
      this.skipping = false;
      return text.slice(end.index + end[0].length);
    }
    this.rest = text.endsWith('\x1b') ? '\x1b' : '';
    if (this.rest !== '') this.skipping = true;
    return '';
  }
}

function restyle(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next = style;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(at + 1));
      next = code === 38 ? { ...next, fg: colour } : { ...next, bg: colour };
      at += used;
    } else {
      next = applied(next, code);
    }
  }
  return next;
}

function applied(style: Style, code: number): Style {
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
  switch (code) {
    case 0: return PLAIN;
    case 1: return { ...style, bold: true };
    case 2: return { ...style, dim: true };
    case 3: return { ...style, italic: true };
    case 4: return { ...style, underline: true };
    case 7: return { ...style, inverse: true };
    case 22: return { ...style, bold: false, dim: false };
    case 23: return { ...style, italic: false };
    case 24: return { ...style, underline: false };
    case 27: return { ...style, inverse: false };
    case 39: return { ...style, fg: null };
    case 49: return { ...style, bg: null };
    default: return style;
  }
}

/** A colour of the 256, or of all; and how many codes it took. */
function extended(codes: number[]): [number | string | null, number] {
  const byte = (n: number | undefined) => Math.max(0, Math.min(255, Math.trunc(n ?? 0) || 0));
  if (codes[0] === 2) {
    return [`rgb(${byte(codes[1])} ${byte(codes[2])} ${byte(codes[3])})`, 4];
  }
  if (codes[0] !== 5) return [null, 0];
  const n = byte(codes[1]);
  if (n < 16) return [n, 2];
  if (n >= 232) {
    const grey = 8 + (n - 232) * 10;
    return [`rgb(${grey} ${grey} ${grey})`, 2];
  }
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = n - 16;
  return [
    `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`,
    2,
  ];
}
