// What is pasted is told from what is typed, and its language from the one that it was pasted into.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LanguageView } from '../src/api/generated';
import { insertion, languageOfText } from '../src/workspace/guess';

const IDS = ['bash', 'c', 'cpp', 'go', 'java', 'javascript', 'php', 'python', 'ruby', 'rust', 'sql', 'typescript'];
const LIST = IDS.map((id) => ({ id, available: id !== 'go' })) as unknown as readonly LanguageView[];
const guess = (text: string, current: string) => languageOfText(text, current, LIST)?.id ?? null;

const PROGRAMS: Record<string, string> = {
  bash: '#!/bin/bash\nfor i in 1 2 3; do\n  echo "$i"\ndone\n',
  c: '#include <stdio.h>\n\nint main(void) {\n    printf("hi\\n");\n}\n',
  cpp: '#include <iostream>\n\nint main() {\n    std::cout << "hi\\n";\n}\n',
  java: 'public class Main {\n    public static void main(String[] args) {\n    }\n}\n',
  javascript: 'const all = [1, 2];\nfor (const one of all) console.log(one);\n',
  php: '<?php\n$a = 1;\necho $a;\n',
  python: 'import sys\n\ndef f(a):\n    return a\n\nprint(f(1))\n',
  ruby: 'require "set"\n[1, 2].each do |n|\n  puts n\nend\n',
  rust: 'use std::io;\n\nfn main() {\n    println!("hi");\n}\n',
  sql: 'CREATE TABLE t (a INTEGER);\nSELECT a FROM t;\n',
  typescript: 'interface Point {\n  x: number;\n}\nconst p: Point = { x: 1 };\nconsole.log(p.x);\n',
};

describe('a guess', () => {
  it.each(Object.entries(PROGRAMS))('finds %s in a program of another language', (id, text) => {
    expect(guess(text, id === 'python' ? 'bash' : 'python')).toBe(id);
  });

  it.each(Object.entries(PROGRAMS))('is not made of %s where it belongs', (id, text) => {
    expect(guess(text, id)).toBeNull();
  });

  it('is not made where it would be one too many', () => {
    expect(guess(PROGRAMS['c'] ?? '', 'cpp')).toBeNull();
    expect(guess(PROGRAMS['javascript'] ?? '', 'typescript')).toBeNull();
    expect(guess('just some words,\nand more of them\n', 'python')).toBeNull();
    // Nobody could run it.
    expect(guess('package main\n\nfunc main() {\n}\n', 'python')).toBeNull();
  });

  it('leaves the first programs of all languages alone', () => {
    const folder = fileURLToPath(new URL('../../languages/', import.meta.url));
    const definitions = readdirSync(folder).filter((name) => name.endsWith('.toml'));
    expect(definitions.length).toBeGreaterThanOrEqual(IDS.length);
    for (const name of definitions) {
      const hello = /name = "hello"\nfiles = \{ "[^"]+" = "((?:[^"\\]|\\.)*)"/.exec(readFileSync(folder + name, 'utf8'))?.[1];
      if (hello !== undefined) expect(guess(JSON.parse(`"${hello}"`) as string, name.replace('.toml', '')), name).toBeNull();
    }
  });
});

it('tells what was put in at once from what was typed', () => {
  const block = 'one line\nand another one\n';
  expect(insertion('', block)).toBe(block);
  expect(insertion('front back', `front ${block}back`)).toBe(block);
  expect(insertion('print("Hello, world!")\n', block)).toBe(block);
  expect(insertion('a', 'ab')).toBeNull();
  expect(insertion('', 'a single line that is rather long')).toBeNull();
  expect(insertion(block, '')).toBeNull();
});
