// Finds the places in a program that compilers and interpreters speak of.

/** How bad a message is. */
export type Severity = 'error' | 'warning' | 'info';

/** A message about a place in a file. */
export interface Diagnostic {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, where it is known. */
  readonly column: number | null;
  readonly severity: Severity;
  readonly message: string;
}

interface Pattern {
  readonly match: RegExp;
  /** Where the message stands, when it is not on the same line. */
  readonly message?: 'before' | 'behind';
  readonly severity?: Severity;
}

const FILE = String.raw`(?<file>[^\s:()"'<>|]+\.[A-Za-z0-9+]+)`;

const PATTERNS: readonly Pattern[] = [
  // gcc, clang, g++, go vet, node: main.c:3:5: error: expected ';'
  { match: new RegExp(String.raw`^${FILE}:(?<line>\d+):(?<column>\d+):\s*(?<severity>fatal error|error|warning|note)?:?\s*(?<message>.+)$`) },
  // tsc: main.ts(3,5): error TS2322: …
  { match: new RegExp(String.raw`^${FILE}\((?<line>\d+),(?<column>\d+)\):\s*(?<severity>error|warning)\s*(?<message>.+)$`) },
  // tsc --pretty: main.ts:3:5 - error TS2322: …
  { match: new RegExp(String.raw`^${FILE}:(?<line>\d+):(?<column>\d+)\s+-\s+(?<severity>error|warning)\s*(?<message>.+)$`) },
  // rustc: --> main.rs:3:5, with the message above
  { match: new RegExp(String.raw`^\s*-->\s*${FILE}:(?<line>\d+):(?<column>\d+)\s*$`), message: 'before' },
  // rust panics: thread 'main' panicked at main.rs:3:5: (message below)
  { match: new RegExp(String.raw`panicked at ${FILE}:(?<line>\d+):(?<column>\d+):?\s*$`), message: 'behind' },
  // javac, ruby, node's header: Main.java:3: error: …
  { match: new RegExp(String.raw`^${FILE}:(?<line>\d+):\s*(?:in [^:]+:\s*)?(?<severity>error|warning)?:?\s*(?<message>.+)$`) },
  // node's header of an uncaught error: /work/main.js:3
  { match: new RegExp(String.raw`^${FILE}:(?<line>\d+)$`), message: 'behind' },
  // Python: File "main.py", line 3, in f
  { match: /^\s*File "(?<file>[^"]+)", line (?<line>\d+)/, message: 'behind' },
  // PHP: PHP Parse error:  … in main.php on line 3, or … in main.php:3
  { match: new RegExp(String.raw`^(?:PHP )?(?<severity>Parse error|Fatal error|Warning|Notice|Deprecated):\s*(?<message>.+?) in ${FILE}(?: on line |:)(?<line>\d+)`) },
  // Bash: main.sh: line 3: …
  { match: new RegExp(String.raw`^${FILE}: line (?<line>\d+): (?<message>.+)$`) },
  // stacks of Java and JavaScript, Go's goroutines
  { match: new RegExp(String.raw`^\s+at .*\(${FILE}:(?<line>\d+)(?::(?<column>\d+))?\)$`), message: 'before' },
  { match: new RegExp(String.raw`^\s+${FILE}:(?<line>\d+)(?: \+0x[0-9a-f]+)?$`), message: 'before', severity: 'error' },
  // sqlite: Parse error near line 3: …
  { match: /^(?:Parse|Runtime) error near line (?<line>\d+)[^:]*: (?<message>.+)$/ },
];

/** The most messages that are kept; a broken include can give thousands. */
const MOST = 200;

/** The place that a line of output names, where it names one of `files`. */
export function placeIn(line: string, files: readonly string[], entry: string): Diagnostic | null {
  return matched(line, files, entry)?.place ?? null;
}

interface Match {
  readonly place: Diagnostic;
  readonly pattern: Pattern;
}

function matched(line: string, files: readonly string[], entry: string): Match | null {
  if (line.length > 1000) return null;
  for (const pattern of PATTERNS) {
    const groups = pattern.match.exec(line)?.groups;
    if (!groups?.['line']) continue;
    const named = groups['file'];
    const file = named === undefined ? entry : named.split('/').at(-1);
    if (file === undefined || !files.includes(file)) continue;
    const place = {
      file,
      line: Number(groups['line']),
      column: groups['column'] ? Number(groups['column']) : null,
      severity: pattern.severity ?? severityOf(groups['severity']),
      message: groups['message']?.trim() ?? '',
    };
    return { place, pattern };
  }
  return null;
}

/** All messages in the output of a run, in order, each place once. */
export function diagnostics(text: string, files: readonly string[], entry: string): Diagnostic[] {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const places = lines.map((line) => matched(line, files, entry));
  const found = new Map<string, Diagnostic>();
  places.forEach((match, at) => {
    if (!match || found.size >= MOST) return;
    const { place, pattern } = match;
    const plain = (from: number, to: number) => lines.slice(Math.max(0, from), to).filter((_, n) => !places[Math.max(0, from) + n]);
    const message =
      place.message || (pattern.message === 'before' ? above(plain(at - AROUND, at)) : behind(plain(at + 1, at + AROUND)));
    const severity = place.message ? place.severity : severityFrom(lines, at, place.severity);
    const key = `${place.file}:${place.line}:${place.column}:${message}`;
    if (!found.has(key)) found.set(key, { ...place, message, severity });
  });
  return [...found.values()];
}

/** How far from its place a message may stand. */
const AROUND = 30;

/** The message above a place: of rustc, of Java's and Go's stacks. */
function above(lines: readonly string[]): string {
  const panic = lines.findLast((line) => /^(panic|fatal error):/.test(line));
  return (panic ?? lines.findLast((line) => /^\S/.test(line)) ?? 'here').trim();
}

/** The message behind a place: of Python's traces, of Node, of Rust's panics. */
function behind(lines: readonly string[]): string {
  const named = lines.find((line) => /^[\w.]*(Error|Exception|Interrupt|Exit|Warning)\b/.test(line));
  return (named ?? lines.find((line) => /^\S/.test(line)) ?? 'here').trim();
}

function severityFrom(lines: string[], at: number, otherwise: Severity): Severity {
  return /^warning\b/.test(lines[at - 1]?.trim() ?? '') ? 'warning' : otherwise;
}

function severityOf(word: string | undefined): Severity {
  switch (word?.toLowerCase()) {
    case 'warning':
    case 'notice':
    case 'deprecated':
      return 'warning';
    case 'note':
      return 'info';
    case undefined:
    default:
      return 'error';
  }
}
