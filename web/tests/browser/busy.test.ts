// A key press never waits for long: not while the page loads, and not while a program prints.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser } from './browser';
import { longestTaskMs } from './tasks';

/** What nobody notices. */
const LONGEST_MS = 100;

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

it('while the page and the large editor are loaded for the first time', async () => {
  const longest = await longestTaskMs(browser, async () => {
    await browser.go('/');
    await browser.page.locator('.monaco-editor .view-line').first().waitFor();
  });
  expect(longest).toBeLessThan(LONGEST_MS);
});

it.each([
  ['on pipes', 'pipes'],
  ['at a terminal', 'terminal'],
] as const)('while 100,000 lines are printed %s', async (_, mode) => {
  await browser.program('import time\ntime.sleep(0.5)\nfor i in range(100000):\n    print("line", i)\nprint("the end")\n', { mode, limits: { output_kb: 4096 } });
  // What the terminal needs is loaded with the first program that runs at one.
  await browser.run();
  await browser.status(/Exit 0/, 60_000);
  const longest = await longestTaskMs(browser, async () => {
    await browser.page.locator('.monaco-editor .view-lines').click();
    await browser.run();
    await browser.status(/Running/);
    for (let press = 0; press < 20; press += 1) await browser.page.keyboard.type('#');
    await browser.status(/Exit 0/, 60_000);
    if (mode === 'pipes') await expect.poll(() => browser.page.locator('[data-testid="output"] .output-block').last().textContent()).toContain('the end');
    else await browser.terminal('the end');
  });
  expect(longest).toBeLessThan(LONGEST_MS);
});
