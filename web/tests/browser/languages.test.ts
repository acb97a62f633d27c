// What each of the default languages says of a broken program leads to its place, and every example
// runs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../src/workspace/examples';
import { Browser } from './browser';

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

/** A broken program of each language, and the line that it is broken in. */
const BROKEN: Record<string, { file: string; text: string; line: number }> = {
  python: { file: 'main.py', text: 'def f():\n    return 1 / 0\n\nf()\n', line: 2 },
  javascript: { file: 'main.js', text: 'const a = 1;\n\nnull.f();\n', line: 3 },
  typescript: { file: 'main.ts', text: 'const a: number = 1;\nconst b: string = a;\nconsole.log(b);\n', line: 2 },
  c: { file: 'main.c', text: '#include <stdio.h>\nint main(void) {\n    return nothing;\n}\n', line: 3 },
  cpp: { file: 'main.cpp', text: '#include <iostream>\nint main() {\n    std::cout << nothing;\n}\n', line: 3 },
  java: { file: 'Main.java', text: 'public class Main {\n    public static void main(String[] args) {\n        int a = "b";\n    }\n}\n', line: 3 },
  go: { file: 'main.go', text: 'package main\n\nfunc main() {\n\tnothing()\n}\n', line: 4 },
  rust: { file: 'main.rs', text: 'fn main() {\n    let a: i32 = "b";\n    println!("{a}");\n}\n', line: 2 },
  php: { file: 'main.php', text: '<?php\n$a = 1;\nnothing();\n', line: 3 },
  ruby: { file: 'main.rb', text: 'a = 1\nputs nothing\n', line: 2 },
  bash: { file: 'main.sh', text: 'a=1\nif then\n', line: 2 },
  sql: { file: 'main.sql', text: 'SELECT 1;\nSELECT nothing FROM nowhere;\n', line: 2 },
};

describe('a broken program', () => {
  it.each(Object.entries(BROKEN))('in %s is marked in the gutter and leads to its line', async (language, { file, text, line }) => {
    await browser.program(text, { language, file });
    await browser.run();
    await browser.status(/Exit|Did not compile/);
    const problem = browser.page.getByRole('region', { name: 'Problems' }).getByRole('button', { name: `${file}:${line}` }).first();
    await problem.waitFor();
    await browser.page.locator('.monaco-editor .problem-line').first().waitFor();
    await browser.page.locator('[data-testid="output"] .place').first().waitFor();
    await problem.click();
    await expect
      .poll(() => browser.page.locator('.monaco-editor .line-numbers.active-line-number').first().textContent())
      .toBe(String(line));
  });

  it('leads there from a terminal as well', async () => {
    await browser.program('def f():\n    return 1 / 0\n\nf()\n', { mode: 'terminal' });
    await browser.run();
    await browser.status(/Exit 1/);
    await browser.terminal('line 2');
    const line = await browser.page.locator('.xterm-rows > div').filter({ hasText: 'line 2, in f' }).boundingBox();
    if (!line) throw new Error('the line is not shown');
    // A link is made where the pointer has been.
    await browser.page.mouse.move(line.x + 100, line.y + line.height / 2);
    await browser.page.locator('.xterm-cursor-pointer').waitFor();
    await browser.page.mouse.click(line.x + 100, line.y + line.height / 2);
    await expect
      .poll(() => browser.page.locator('.monaco-editor .line-numbers.active-line-number').first().textContent())
      .toBe('2');
  });
});

describe('the examples', () => {
  const all = Object.entries(EXAMPLES).flatMap(([language, examples]) => examples.map((example) => [language, example.title, example] as const));
  it.each(all)('%s: %s', async (language, title, example) => {
    await browser.go('/');
    await browser.editor();
    await browser.language(language);
    await browser.page.getByLabel('Examples', { exact: true }).click();
    await browser.page.getByRole('button', { name: title, exact: true }).click();
    await browser.run();
    if (title === 'Ask for a name') {
      await browser.terminal('What is your name?');
      await browser.page.keyboard.type('Ada\n');
      await browser.terminal('Hello, Ada!');
    }
    if (title === 'Draw in the terminal') {
      await browser.terminal('q ends it');
      await browser.page.keyboard.type('q');
      await browser.terminal('Bye!');
    }
    expect(await browser.status(/Exit|Did not|Stopped/)).toContain('Exit 0');
    if (example.stdin !== undefined) expect((await browser.output()).trim()).toBe('42');
  });
});
