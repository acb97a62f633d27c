// What the page takes in Debian's chromium, on everything that `runlog up` starts. Prints a table,
// and writes JSON to BENCH_JSON. Nothing fails here: other work on the machine moves every figure.
import { writeFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { Browser } from '../tests/browser/browser';
import { print, type Figure, figure } from './figure';
import { inputWhileBusy, keyToScreen, longTasks, runToOutput, watchLoad } from './measure';

const figures: Figure[] = [];
afterAll(() => {
  print(figures);
  const path = process.env['BENCH_JSON'];
  if (path) writeFileSync(path, `${JSON.stringify({ page: figures }, null, 2)}\n`);
});

it('first load in a cold browser', async () => {
  const painted: number[] = [];
  const usable: number[] = [];
  const tasks: number[] = [];
  for (let round = 0; round < 7; round += 1) {
    const browser = await Browser.open();
    await browser.page.addInitScript(watchLoad);
    await browser.go('/');
    await browser.editor();
    const load = await browser.page.evaluate(() => window.runlogLoad);
    painted.push(load.painted);
    usable.push(load.usable);
    tasks.push(Math.max(0, ...load.tasks));
    await browser.close();
  }
  figures.push(figure('shell painted', painted, { p50: 500 }), figure('Run can be clicked', usable, {}), figure('longest task of a load', tasks, { p50: 100 }));
});

it('Run to the first output of a hello in Python', async () => {
  const browser = await Browser.open();
  await browser.program('print("Hello, world!")\n');
  const times: number[] = [];
  for (let round = 0; round < 40; round += 1) {
    times.push(await browser.page.evaluate(runToOutput, 'Hello, world!'));
    await browser.status(/Exit 0/);
    await browser.page.getByRole('button', { name: /^Close Run/ }).first().click();
  }
  figures.push(figure('click on Run to first output', times.slice(5), { p50: 60 }));
  await browser.close();
});

it('a key to the screen, through a running program', async () => {
  const browser = await Browser.open();
  const program = 'import os, tty\ntty.setraw(0)\nos.write(1, b"ready")\nwhile True: os.write(1, os.read(0, 1).upper())\n';
  await browser.program(program, { mode: 'terminal', limits: { wall_ms: 60_000 } });
  await browser.run();
  await browser.terminal('ready');
  await browser.page.locator('.xterm-helper-textarea').focus();
  await browser.page.evaluate(keyToScreen);
  const presses = 200;
  for (let press = 0; press < presses; press += 1) {
    await browser.page.keyboard.press('abcdefghij'[press % 10] ?? 'a');
    // Asked now and then, as fast as a person types. A page that is asked at each of its pictures
    // draws them all, and what is measured then is the wait for the next one.
    await expect.poll(() => browser.page.evaluate(() => window.runlogKeys.length), { interval: 30 + Math.random() * 40, timeout: 10_000 }).toBeGreaterThan(press);
  }
  const times = await browser.page.evaluate(() => window.runlogKeys);
  figures.push(figure('key press to screen', times.slice(20), { p50: 10, p99: 30 }));
  await browser.page.keyboard.press('Shift+F5');
  await browser.close();
});

it('100,000 lines', async () => {
  const browser = await Browser.open();
  await browser.program('for i in range(100000):\n    print("line", i)\n', { limits: { output_kb: 4096 } });
  await browser.page.evaluate(longTasks);
  await browser.page.evaluate(inputWhileBusy);
  await browser.page.locator('.monaco-editor .view-lines').click();
  await browser.run();
  for (let press = 0; press < 60; press += 1) await browser.page.keyboard.type('#');
  await browser.status(/Exit 0/, 60_000);
  const { inputs, tasks } = await browser.page.evaluate(() => ({ inputs: window.runlogInputs, tasks: window.runlogTasks }));
  figures.push(figure('typing while 100,000 lines arrive', inputs, { max: 100 }), figure('longest task meanwhile', [Math.max(0, ...tasks)], { max: 100 }));
  await browser.close();
});
