// A terminal in the page. What a program writes can draw in it, and do nothing else.
import { FitAddon } from '@xterm/addon-fit';
import { type ILink, Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { colour } from '../editor/palette';

/** What a terminal reports. */
export interface TerminalEvents {
  /** Something was typed, or the terminal answers what the program asked it. */
  input(bytes: Uint8Array): void;
  resized(columns: number, rows: number): void;
  /** Where a line of output leads to, for those that lead somewhere. */
  leads(line: string): (() => void) | null;
}

/** A terminal. */
export interface TerminalPort {
  /** Shows bytes. `answering` says whether the program waits for answers to what it asks. */
  write(bytes: Uint8Array, answering: boolean): void;
  clear(): void;
  /** Takes on a size, or the size of its place for `null`. */
  size(fixed: { columns: number; rows: number } | null): void;
  /** Whether it takes what is typed. */
  enable(typing: boolean): void;
  theme(): void;
  screenReader(on: boolean): void;
  focus(): void;
  dispose(): void;
}

/** Sequences that act outside of the terminal's cells: title, folder, links, notifications,
 * clipboard, shell integration. */
const DROPPED_OSC = [0, 1, 2, 7, 8, 9, 52, 133, 633, 777, 1337];

/** Sequences that ask the terminal something; the answer would be typed into the program. */
const ASKING_OSC = [4, 10, 11, 12];

/** How often a character may be repeated by one sequence: a line's width and more. */
const MOST_REPEATS = 4096;

export function openTerminal(host: HTMLElement, events: TerminalEvents): TerminalPort {
  const terminal = new Terminal({
    allowProposedApi: false,
    // A cursor that blinks has the page drawn sixty times a second, and what a program answers to a
    // key then waits for the next of these pictures.
    cursorBlink: false,
    fontFamily: getComputedStyle(document.body).getPropertyValue('--font-mono') || 'monospace',
    fontSize: 13,
    lineHeight: 1.25,
    minimumContrastRatio: 4.5,
    scrollback: 10_000,
    linkHandler: null,
    theme: palette(true),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  let answering = false;
  guard(terminal, () => answering);
  terminal.registerLinkProvider({ provideLinks: (row, found) => found(linksIn(terminal, row, (line) => events.leads(line))) });
  terminal.open(host);

  let fixed = false;
  const refit = () => {
    if (!fixed && host.clientWidth > 0) fit.fit();
  };
  const observer = new ResizeObserver(refit);
  observer.observe(host);
  refit();

  events.resized(terminal.cols, terminal.rows);
  const encoder = new TextEncoder();
  terminal.onData((text) => events.input(encoder.encode(text)));
  terminal.onBinary((binary) => events.input(Uint8Array.from(binary, (char) => char.charCodeAt(0))));
  terminal.onResize(({ cols, rows }) => {
    if (!fixed) events.resized(cols, rows);
  });
  // Copying wins over interrupting where text is selected.
  terminal.attachCustomKeyEventHandler((event) => {
    const copy = event.ctrlKey && !event.shiftKey && event.key.toLowerCase() === 'c' && terminal.hasSelection();
    return !copy;
  });

  let writing = false;
  let takes = true;
  return {
    write(bytes, answers) {
      // Writing is queued, so the switch must be queued as well.
      if (answers !== writing) {
        writing = answers;
        terminal.write('', () => {
          answering = answers;
        });
      }
      terminal.write(bytes);
    },
    clear: () => terminal.reset(),
    size(wanted) {
      fixed = wanted !== null;
      if (wanted) terminal.resize(wanted.columns, wanted.rows);
      else refit();
    },
    enable(typing) {
      takes = typing;
      terminal.options.disableStdin = !typing;
      terminal.options.cursorInactiveStyle = typing ? 'outline' : 'none';
      terminal.options.theme = palette(takes);
    },
    theme: () => {
      terminal.options.theme = palette(takes);
    },
    screenReader: (on) => {
      terminal.options.screenReaderMode = on;
    },
    focus: () => terminal.focus(),
    dispose() {
      observer.disconnect();
      terminal.dispose();
    },
  };
}

/** Takes the sequences away that could do harm outside of the terminal. */
function guard(terminal: Terminal, answering: () => boolean): void {
  const { parser } = terminal;
  for (const code of DROPPED_OSC) parser.registerOscHandler(code, () => true);
  for (const code of ASKING_OSC) parser.registerOscHandler(code, (data) => data.includes('?') && !answering());
  const unlessAnswering = () => !answering();
  parser.registerCsiHandler({ final: 'c' }, unlessAnswering);
  parser.registerCsiHandler({ prefix: '>', final: 'c' }, unlessAnswering);
  parser.registerCsiHandler({ prefix: '>', final: 'q' }, unlessAnswering);
  parser.registerCsiHandler({ final: 'n' }, unlessAnswering);
  parser.registerCsiHandler({ prefix: '?', final: 'n' }, unlessAnswering);
  parser.registerCsiHandler({ intermediates: '$', final: 'p' }, unlessAnswering);
  parser.registerCsiHandler({ prefix: '?', intermediates: '$', final: 'p' }, unlessAnswering);
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, unlessAnswering);
  parser.registerCsiHandler({ final: 't' }, () => true);
  parser.registerCsiHandler({ final: 'b' }, (parameters) => Number(parameters[0] ?? 0) > MOST_REPEATS);
}

/** The link that a row, from 1, is part of: a whole line of output, however many rows it fills. */
function linksIn(terminal: Terminal, row: number, leads: (line: string) => (() => void) | null): ILink[] | undefined {
  const buffer = terminal.buffer.active;
  let top = row - 1;
  while (top > 0 && buffer.getLine(top)?.isWrapped) top -= 1;
  let text = buffer.getLine(top)?.translateToString() ?? '';
  let bottom = top;
  for (let next = buffer.getLine(bottom + 1); next?.isWrapped; next = buffer.getLine(bottom + 1)) {
    text += next.translateToString();
    bottom += 1;
  }
  const line = text.trimEnd();
  const open = leads(line);
  if (open === null) return undefined;
  const lastColumn = Math.max(1, line.length - (bottom - top) * terminal.cols);
  return [{ text: line, range: { start: { x: 1, y: top + 1 }, end: { x: lastColumn, y: bottom + 1 } }, activate: open }];
}

/** The page's colours. Where nothing is taken, the cursor cannot be seen, focused or not. */
function palette(typing: boolean) {
  const ansi = Array.from({ length: 16 }, (_, n) => colour(`ansi-${n}`));
  return {
    background: colour('bg'),
    foreground: colour('ink'),
    cursor: colour(typing ? 'accent' : 'bg'),
    cursorAccent: colour(typing ? 'bg' : 'ink'),
    selectionBackground: colour('select'),
    black: ansi[0] ?? '', red: ansi[1] ?? '', green: ansi[2] ?? '', yellow: ansi[3] ?? '',
    blue: ansi[4] ?? '', magenta: ansi[5] ?? '', cyan: ansi[6] ?? '', white: ansi[7] ?? '',
    brightBlack: ansi[8] ?? '', brightRed: ansi[9] ?? '', brightGreen: ansi[10] ?? '',
    brightYellow: ansi[11] ?? '', brightBlue: ansi[12] ?? '', brightMagenta: ansi[13] ?? '',
    brightCyan: ansi[14] ?? '', brightWhite: ansi[15] ?? '',
  };
}
