// Nothing is lost: over reloads, over lost lines, over two browsers, over mistakes.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser, RUNLOG } from './browser';

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

const ticks = (n: number) => `import time\nfor i in range(${n}):\n    print("tick", i, flush=True)\n    time.sleep(0.1)\n`;
const expected = (n: number) => Array.from({ length: n }, (_, at) => `tick ${at}\n`).join('');

it('keeps what was typed over a reload, and over a change of language and back', async () => {
  await browser.program('');
  await browser.page.locator('.monaco-editor .view-lines').click();
  await browser.page.keyboard.type('# typed by hand');
  await browser.page.reload();
  await browser.editor();
  await browser.page.getByText('# typed by hand').waitFor();
  await browser.language('bash');
  await browser.page.getByText('# typed by hand').waitFor({ state: 'detached' });
  await browser.language('python');
  await browser.page.getByText('# typed by hand').waitFor();
});

it('keeps what was typed over a crash of the page', async () => {
  const other = await Browser.open();
  try {
    await other.program('');
    await other.page.locator('.monaco-editor .view-lines').click();
    await other.page.keyboard.type('# before the crash');
    // A fifth of a second later it is kept, and nobody says goodbye.
    await expect.poll(() => other.page.evaluate(() => localStorage.getItem('runlog.project.python'))).toContain('# before the crash');
    const crashed = other.page.waitForEvent('crash');
    await other.page.goto('chrome://crash').catch(() => undefined);
    await crashed;
    const next = await other.context.newPage();
    await next.goto(RUNLOG);
    await next.getByText('# before the crash').first().waitFor();
  } finally {
    await other.close();
  }
});

it('shows everything once after a reload in the middle', async () => {
  await browser.program(ticks(30));
  await browser.run();
  await expect.poll(() => browser.output()).toContain('tick 5\n');
  const address = browser.page.url();
  expect(address).toMatch(/\/runs\/[0-9a-f-]{36}$/);
  await browser.page.reload();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe(expected(30));
  expect(browser.page.url()).toBe(address);
});

it('comes back by itself when the line was lost', async () => {
  await browser.program(ticks(40));
  await browser.run();
  await expect.poll(() => browser.output()).toContain('tick 5\n');
  await browser.context.setOffline(true);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await browser.context.setOffline(false);
  await browser.status(/Exit 0/, 30_000);
  expect(await browser.output()).toBe(expected(40));
});

it('shows the same in two browsers', async () => {
  const other = await Browser.open();
  try {
    await browser.program(ticks(15), { mode: 'pipes' });
    await browser.run();
    await expect.poll(() => browser.page.url()).toMatch(/\/runs\//);
    await other.go(new URL(browser.page.url()).pathname);
    for (const one of [browser, other]) {
      await one.status(/Exit 0/);
      expect(await one.output()).toBe(expected(15));
    }
  } finally {
    await other.close();
  }
});

it('watches many programs at once, and can still send one more', async () => {
  // A browser opens six connections to a server: eight streams would leave none to anything else.
  await browser.program('import time\nprint("on", flush=True)\ntime.sleep(30)\n', { limits: { wall_ms: 40_000 } });
  for (let run = 0; run < 8; run += 1) await browser.run();
  await browser.status(/Queued|Preparing|Running/);
  await browser.page.getByRole('link', { name: 'History' }).click();
  await browser.page.locator('tbody tr').first().waitFor();
  await browser.page.getByRole('link', { name: 'Editor' }).click();
  const tabs = browser.page.getByRole('button', { name: /^Run \d+/ });
  for (let at = (await tabs.count()) - 1; at >= 0; at -= 1) {
    await tabs.nth(at).click();
    await browser.page.keyboard.press('Shift+F5');
    await browser.status(/Stopp|Exit/);
  }
});

it('says so when the server is away, keeps the code, and sends it safely later', async () => {
  await browser.program('print("sent once")\n');
  let calls = 0;
  await browser.page.route('**/v1/executions', async (route) => {
    calls += 1;
    // The first request arrives and its answer is lost.
    if (calls === 1) {
      await route.fetch();
      await route.abort();
    } else await route.continue();
  });
  await browser.run();
  await browser.page.getByText("Our fault, not your program's").waitFor();
  await browser.page.getByRole('button', { name: 'Try again' }).waitFor();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe('sent once\n');
  await browser.page.unroute('**/v1/executions');
});

it('says that a run is not known instead of showing a blank', async () => {
  await browser.go('/runs/01941f29-7c00-7000-8000-000000000001');
  await browser.page.getByText('Could not show this run').waitFor();
  await browser.page.getByText('Your own code is untouched').waitFor();
});

it('replays a run as it was recorded, byte for byte', async () => {
  await browser.program('import time\nfor i in range(5):\n    print("é" * i, i, flush=True)\n    time.sleep(0.1)\n');
  await browser.run();
  await browser.status(/Exit 0/);
  const shown = await browser.output();
  const id = browser.page.url().split('/').at(-1) ?? '';
  const kept = await (await fetch(`${RUNLOG}/v1/executions/${id}/output?stream=stdout`)).text();
  expect(shown).toBe(kept);
  await browser.go(`/runs/${id}/replay`);
  await expect.poll(() => browser.output(), { timeout: 10_000 }).toBe(kept);
  await browser.page.getByRole('slider', { name: 'Moment' }).fill('0');
  await expect.poll(() => browser.output()).not.toContain('4');
  await browser.page.getByRole('combobox', { name: 'Speed' }).selectOption('16');
  await browser.page.getByRole('button', { name: 'Play' }).click();
  await expect.poll(() => browser.output(), { timeout: 10_000 }).toBe(kept);
  const cast = await (await fetch(`${RUNLOG}/v1/executions/${id}/recording?format=cast`)).text();
  expect(JSON.parse(cast.split('\n')[0] ?? '')).toMatchObject({ version: expect.any(Number) as number });
});

it('finds runs in the history, and compares two', async () => {
  for (const word of ['one', 'two']) {
    await browser.program(`print("same")\nprint("${word}")\n`);
    await browser.run();
    await browser.status(/Exit 0/);
  }
  const rows = browser.page.locator('tbody tr');
  await expect
    .poll(
      async () => {
        await browser.go('/history');
        await rows.first().waitFor();
        return rows.count();
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(1);
  await rows.nth(1).getByRole('checkbox').check();
  await rows.nth(0).getByRole('checkbox').check();
  await browser.page.getByRole('button', { name: 'Compare 2 of 2' }).click();
  await browser.page.getByText('- one').waitFor();
  await browser.page.getByText('+ two').waitFor();
  await browser.go('/history');
  await browser.page.getByRole('combobox', { name: 'Outcome' }).selectOption('compile_error');
  await browser.page.getByText('No runs yet that fit.').waitFor();
});
