// The edge that a page talks to dies in the middle and comes back: nothing is lost, nothing is shown
// twice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { Browser } from './browser';
import { type Service, startEdge } from './system';

const folder = mkdtempSync(join(tmpdir(), 'runlog-edge-'));
const log = join(folder, 'log');
let browser: Browser;
let edge: Service;
beforeAll(async () => {
  edge = await startEdge(inject('runlog'), 0, log);
  browser = await Browser.open({}, edge.url);
});
afterAll(async () => {
  await browser.close();
  await edge.stop();
  rmSync(folder, { recursive: true, force: true });
});

const again = async (end: () => Promise<void>) => {
  await end();
  edge = await startEdge(inject('runlog'), Number(new URL(edge.url).port), log);
};

it('goes on with output on pipes after the edge was killed', async () => {
  await browser.program('import time\nfor i in range(50):\n    print("tick", i, flush=True)\n    time.sleep(0.1)\n');
  await browser.run();
  await expect.poll(() => browser.output()).toContain('tick 5\n');
  await again(() => edge.kill());
  await browser.status(/Exit 0/, 60_000);
  expect(await browser.output()).toBe(Array.from({ length: 50 }, (_, at) => `tick ${at}\n`).join(''));
});

it('goes on with a program at a terminal after the edge was restarted, and takes what was typed meanwhile', async () => {
  await browser.program('print("got", input("name? "))\n', { mode: 'terminal', limits: { wall_ms: 60_000 } });
  await browser.run();
  await browser.terminal('name?');
  await edge.stop();
  await browser.status(/connection lost/);
  await browser.page.locator('.xterm-helper-textarea').focus();
  await browser.page.keyboard.type('Ada\n');
  edge = await startEdge(inject('runlog'), Number(new URL(edge.url).port), log);
  await browser.terminal('got Ada');
  await browser.status(/Exit 0/);
});

it('says that the server is away, keeps the code, and sends the program once it is back', async () => {
  await browser.program('print("kept")\n');
  await edge.stop();
  await browser.run();
  await browser.page.getByText("Our fault, not your program's").waitFor();
  edge = await startEdge(inject('runlog'), Number(new URL(edge.url).port), log);
  await browser.status(/Exit 0/, 60_000);
  expect(await browser.output()).toBe('kept\n');
});
