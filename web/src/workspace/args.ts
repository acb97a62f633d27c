/** The arguments in a line, as a shell would split it: spaces divide, quotes and `\` keep. */
export function splitArgs(line: string): string[] {
  const args: string[] = [];
  let current: string | null = null;
  let quote: string | null = null;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (quote !== null) {
      if (char === quote) quote = null;
      else if (char === '\\' && quote === '"' && /["\\]/.test(line[at + 1] ?? '')) {
        at += 1;
        current += line[at] ?? '';
      } else current += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      current ??= '';
    } else if (char === '\\' && at + 1 < line.length) {
      at += 1;
      current = (current ?? '') + (line[at] ?? '');
    } else if (/\s/.test(char)) {
      if (current !== null) args.push(current);
      current = null;
    } else {
      current = (current ?? '') + char;
    }
  }
  if (current !== null) args.push(current);
  return args;
}

/** A line that `splitArgs` divides into these arguments. */
export function joinArgs(args: readonly string[]): string {
  const quoted = (arg: string) => (arg !== '' && !/[\s'"\\]/.test(arg) ? arg : `'${arg.replaceAll("'", `'"'"'`)}'`);
  return args.map(quoted).join(' ');
}
