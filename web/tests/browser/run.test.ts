// Running programs, as people do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, RUNLOG } from './browser';

interface Language {
  id: string;
  name: string;
  available: boolean;
  entry: string;
}

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

const languages = async () => ((await (await fetch(`${RUNLOG}/v1/languages`)).json()) as { languages: Language[] }).languages;

it('runs the first program of every language', async () => {
  await browser.go('/');
  await browser.editor();
  const all = (await languages()).filter(({ available }) => available);
  expect(all.length).toBeGreaterThan(0);
  for (const language of all) {
    await browser.language(language.id);
    await browser.page.getByRole('button', { name: language.entry }).first().waitFor();
    await browser.run();
    expect(await browser.status(/Exit|Stopped|Died|fault|compile \(/), language.name).toContain('Exit 0');
    await browser.terminal('Hello');
  }
});

describe('a program on a terminal', () => {
  it('asks for a name and gets it', async () => {
    await browser.program('name = input("What is your name? ")\nprint(f"Hello, {name}!")\n', { mode: 'terminal' });
    await browser.run();
    await browser.terminal('What is your name?');
    // Nothing is drawn by itself meanwhile: the answer to a key would wait for it.
    expect(await browser.page.evaluate(() => document.getAnimations().length)).toBe(0);
    await browser.page.keyboard.type('Ada\n');
    await browser.terminal('Hello, Ada!');
    expect(await browser.status(/Exit/)).toContain('Exit 0');
  });

  it('gets what was typed before it ran', async () => {
    await browser.program('import time\ntime.sleep(0.3)\nprint("got", input())\n', { mode: 'terminal' });
    await browser.run();
    await browser.page.locator('.xterm-helper-textarea').focus();
    await browser.page.keyboard.type('early\n');
    await browser.terminal('got early');
  });

  it('gets what was typed when it was accepted and nothing had been heard of it yet', async () => {
    const other = await Browser.open();
    let connect = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      connect = resolve;
    });
    try {
      await other.page.routeWebSocket(/\/v1\/executions\//, async (socket) => {
        await held;
        socket.connectToServer();
      });
      await other.program('print("got", input())\n', { mode: 'terminal', limits: { wall_ms: 60_000 } });
      await other.run();
      await expect.poll(() => other.page.url()).toMatch(/\/runs\//);
      await other.page.getByRole('button', { name: 'Stop', exact: true }).waitFor({ timeout: 5000 });
      await other.page.locator('.xterm-helper-textarea').focus();
      await other.page.keyboard.type('early\n');
      connect();
      await other.terminal('got early');
      await other.status(/Exit 0/);
    } finally {
      connect();
      await other.close();
    }
  });

  it('is interrupted by Ctrl+C and ended by Ctrl+D', async () => {
    await browser.program('import time\ntry:\n    print("sleeping", flush=True)\n    time.sleep(9)\nexcept KeyboardInterrupt:\n    print("interrupted")\n', { mode: 'terminal' });
    await browser.run();
    await browser.terminal('sleeping');
    await browser.page.keyboard.press('Control+c');
    await browser.terminal('interrupted');
    await browser.status(/Exit 0/);

    await browser.program('import sys\nprint("ready", flush=True)\nprint(len(sys.stdin.read()))\n', { mode: 'terminal' });
    await browser.run();
    await browser.terminal('ready');
    await browser.page.keyboard.type('abc\n');
    await browser.page.keyboard.press('Control+d');
    await browser.status(/Exit 0/);
    await browser.terminal('4');
  });

  it('takes what is pasted', async () => {
    await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await browser.program('print("got", input(), input())\n', { mode: 'terminal', limits: { wall_ms: 60_000 } });
    await browser.page.evaluate(() => navigator.clipboard.writeText('one\ntwo\n'));
    await browser.run();
    await browser.status(/Running/);
    await browser.page.locator('.xterm-helper-textarea').focus();
    await browser.page.keyboard.press('Control+Shift+V');
    await browser.terminal('got one two');
    await browser.status(/Exit 0/);
  });

  it('is run again from the terminal, beside the first run', async () => {
    const other = await Browser.open();
    await other.program('print("name?", input())\n', { mode: 'terminal', limits: { wall_ms: 60_000 } });
    await other.run();
    await other.status(/Running/);
    await other.page.locator('.xterm-helper-textarea').focus();
    await other.run();
    // Each has its own input: the first is answered last.
    for (const [tab, word] of [['Run 2', 'second'], ['Run 1', 'first']] as const) {
      await other.page.getByRole('button', { name: new RegExp(`^${tab}`) }).click();
      await other.status(/Running/);
      await other.page.locator('.xterm-helper-textarea').focus();
      await other.page.keyboard.type(`${word}\n`);
      await other.terminal(`name? ${word}`);
      await other.status(/Exit 0/);
    }
    await other.close();
  });

  it('knows its size, and learns of a new one', async () => {
    await browser.program(
      'import os, signal, time\ndef show(*_): print("size", *os.get_terminal_size(), flush=True)\nsignal.signal(signal.SIGWINCH, show)\nshow()\nfor _ in range(80): time.sleep(0.1)\n',
      { mode: 'terminal' },
    );
    await browser.run();
    await browser.terminal('size');
    await browser.page.setViewportSize({ width: 1100, height: 600 });
    const rows = browser.page.locator('.xterm-rows');
    await expect.poll(async () => new Set((await rows.textContent())?.match(/size \d+ \d+/g)).size, { timeout: 10_000 }).toBeGreaterThan(1);
    await browser.page.setViewportSize({ width: 1360, height: 820 });
    await browser.page.keyboard.press('Shift+F5');
    await browser.status(/Stopped by request/);
  });

  it('can draw, and can do nothing else', async () => {
    const escapes = [
      '\\x1b]0;pwned\\x07', '\\x1b]52;c;cHduZWQ=\\x07', '\\x1b]8;;javascript:alert(1)\\x07link\\x1b]8;;\\x07',
      'x\\x1b[1000000000b', '\\x1b[?1049h\\x1b[?1049l', '\\x1b[31mred\\x1b[0m', '\\x1bPq' + 'A'.repeat(1000) + '\\x1b\\\\',
    ].join('');
    await browser.program(`print("${escapes}end")\n`, { mode: 'terminal' });
    await browser.run();
    await browser.status(/Exit 0/);
    await browser.terminal('end');
    expect(await browser.page.title()).toBe('Runlog');
    expect(await browser.page.locator('.xterm a').count()).toBe(0);
  });
});

describe('a program with pipes', () => {
  it('has its streams told apart by more than colour', async () => {
    await browser.program('import sys\nprint("to out", flush=True)\nprint("to err", file=sys.stderr)\n');
    await browser.run();
    await browser.status(/Exit 0/);
    const error = browser.page.locator('[data-source="stderr"]');
    expect(await error.textContent()).toBe('Standard error: to err\n');
    expect(await browser.page.locator('[data-source="stdout"]').textContent()).toBe('to out\n');
    expect(await error.evaluate((element) => getComputedStyle(element, '::before').content)).toBe('"err"');
  });

  it('is stopped within a second, by key and by button', async () => {
    await browser.program('import time\nprint("on", flush=True)\ntime.sleep(9)\n');
    for (const stop of [() => browser.page.keyboard.press('Shift+F5'), () => browser.page.getByRole('button', { name: 'Stop', exact: true }).click()]) {
      await browser.run();
      await browser.status(/Running/);
      await stop();
      await browser.status(/Stopped by request/, 5000);
    }
  });

  it('says which limit it met, and what can be done', async () => {
    await browser.program('while True: pass\n', { limits: { wall_ms: 300 } });
    await browser.run();
    expect(await browser.status(/Stopped/)).toContain('Stopped: over the 300 ms time limit');
    await browser.program('while True: print("x" * 1000)\n', { limits: { output_kb: 10 } });
    await browser.run();
    await browser.status(/over the 10 KiB output limit/);
    await browser.page.getByText('output cut off here').waitFor();
    const link = browser.page.getByText('download what was kept');
    const kept = await (await fetch(RUNLOG + (await link.getAttribute('href')))).text();
    expect(kept.length).toBeLessThanOrEqual(10 * 1024);
    expect(kept.length).toBeGreaterThan(9 * 1024);
  });

  it('prints 100,000 lines without freezing the page, and none is lost', async () => {
    await browser.program('for i in range(100000):\n    print("line", i)\n', { limits: { output_kb: 4096 } });
    await browser.run();
    // The page takes what is typed while the lines arrive.
    await browser.page.locator('.monaco-editor .view-lines').click();
    await browser.page.keyboard.type('# typed meanwhile');
    await browser.page.locator('.view-line').filter({ hasText: '# typed meanwhile' }).waitFor();
    await browser.status(/Exit 0/, 60_000);
    await expect.poll(async () => (await browser.output()).length).toBeGreaterThan(1_000_000);
    const lines = (await browser.output()).trimEnd().split('\n');
    expect(lines).toHaveLength(100_000);
    expect(lines.every((line, at) => line === `line ${at}`)).toBe(true);
    // What is drawn does not grow with what was printed; `make bench` has the milliseconds.
    const drawn = await browser.page.evaluate(() => document.querySelectorAll('[data-testid="output"] *').length);
    expect(drawn).toBeLessThan(2000);
  });

  it('can be told apart in a hundred thousand pieces, without as many elements', async () => {
    await browser.program(
      'import sys\nfor i in range(50000):\n    print("o", flush=i % 100 == 0)\n    print("\\x1b[3%dme\\x1b[0m" % (i % 8), file=sys.stderr)\n',
      { limits: { output_kb: 4096 } },
    );
    await browser.run();
    await browser.status(/Exit 0/, 60_000);
    await expect.poll(async () => (await browser.output()).replaceAll('Standard error: ', '').length).toBe(200_000);
    await expect.poll(() => browser.page.evaluate(() => document.querySelectorAll('[data-testid="output"] *').length)).toBeLessThan(8000);
    // What is near is told apart; what is far is when it comes near.
    await expect.poll(() => browser.page.locator('[data-source="stderr"]').count()).toBeGreaterThan(0);
  });

  it('leads from its errors into the code', async () => {
    await browser.program('def f():\n    return 1 / 0\n\nf()\n');
    await browser.run();
    await browser.status(/Exit 1/);
    await browser.page.locator('.monaco-editor .squiggly-error').first().waitFor();
    await browser.page.locator('.place').last().click();
    await expect.poll(() => browser.page.locator('.monaco-editor').evaluate((element) => element.contains(document.activeElement))).toBe(true);
  });
});
