// Links: what is shared, forked and embedded, and programs that come with an address.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser, RUNLOG } from './browser';

let browser: Browser;
let link = '';
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

/** How many programs a browser has sent. */
async function runsOf(one: Browser): Promise<number> {
  const session = await one.page.evaluate(() => JSON.parse(localStorage.getItem('runlog.session') ?? '""') as string);
  const page = await fetch(`${RUNLOG}/v1/executions?session=${session}`);
  return ((await page.json()) as { executions: unknown[] }).executions.length;
}

it('makes a link to a program and its recording, with one click', async () => {
  await browser.program('from other import f\nprint("Hello,", f())\n', { more: { 'other.py': 'def f():\n    return "shared"\n' } });
  await browser.run();
  await browser.status(/Exit 0/);
  await browser.page.getByRole('button', { name: 'Share' }).click();
  const field = browser.page.getByLabel('Link', { exact: true });
  await expect.poll(() => field.inputValue()).toMatch(/\/s\/[0-9a-f]{32}$/);
  link = await field.inputValue();
  await browser.page.keyboard.press('Escape');
});

it('shows code and recording to somebody else, who has nothing, and runs nothing', async () => {
  const other = await Browser.open();
  try {
    await other.go(new URL(link).pathname);
    await other.page.locator('[data-testid="code"] .cm-line').filter({ hasText: 'from other import f' }).waitFor();
    await expect.poll(() => other.output()).toBe('Hello, shared\n');
    expect(await other.page.getByTestId('shared-outcome').textContent()).toContain('Exit 0');
    await other.page.getByRole('button', { name: 'other.py' }).click();
    await other.page.locator('[data-testid="code"] .cm-line').filter({ hasText: 'return "shared"' }).waitFor();
    expect(await runsOf(other)).toBe(0);

    // Forked, it is theirs: edited and run without a change to what was shared.
    await other.page.getByRole('button', { name: 'Fork to edit' }).click();
    await other.editor();
    await other.page.locator('.monaco-editor .view-lines').click();
    await other.page.keyboard.press('Control+Home');
    await other.page.keyboard.type('print("mine")\n');
    await other.run();
    await other.status(/Exit 0/);
    expect(await other.output()).toBe('mine\nHello, shared\n');
    await other.go(new URL(link).pathname);
    await expect.poll(() => other.output()).toBe('Hello, shared\n');
  } finally {
    await other.close();
  }
});

it('says that the recording is of another program, where the code was changed after the run', async () => {
  await browser.program('print("first")\n');
  await browser.run();
  await browser.status(/Exit 0/);
  await browser.page.locator('.monaco-editor .view-lines').click();
  await browser.page.keyboard.press('Control+End');
  await browser.page.keyboard.type('print("second")\n');
  await browser.page.getByRole('button', { name: 'Share' }).click();
  const field = browser.page.getByLabel('Link', { exact: true });
  await expect.poll(() => field.inputValue()).toMatch(/\/s\//);
  await browser.go(new URL(await field.inputValue()).pathname);
  await browser.page.getByText('The program was changed after this run').waitFor();
});

it('can be embedded in a page of somebody else, and nothing else can', async () => {
  const id = link.split('/').at(-1);
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe name="embedded" src="${RUNLOG}/embed/${id}" width="900" height="400"></iframe><iframe name="refused" src="${RUNLOG}/s/${id}"></iframe>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const guest = await Browser.open({}, RUNLOG);
  try {
    await guest.page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const frame = guest.page.frameLocator('iframe[name="embedded"]');
    await frame.getByText('Hello, shared').waitFor();
    expect(await frame.getByRole('navigation').count()).toBe(0);
    expect(await frame.getByRole('link', { name: 'Open in Runlog' }).getAttribute('href')).toBe(`/s/${id}`);
    expect(await guest.page.frameLocator('iframe[name="refused"]').getByText('Hello').count()).toBe(0);
    expect(guest.complaints.filter((one) => /frame-ancestors/.test(one))).toHaveLength(1);
    guest.complaints.length = 0;
    guest.foreign.length = 0;
  } finally {
    await guest.close();
    await new Promise((resolve) => server.close(resolve));
  }
});

it('says so where nothing was shared', async () => {
  await browser.go('/s/00000000000000000000000000000000');
  await browser.page.getByText('There is nothing at this link').waitFor();
  await browser.go('/s/nonsense');
  await browser.page.getByText('There is nothing at this link').waitFor();
});

it('opens a program that comes with the address, and puts aside what was there', async () => {
  await browser.program('# my own work\n');
  await browser.go(`/?lang=py&code=${encodeURIComponent('print("from a link: " + input())\n')}&stdin=${encodeURIComponent('ü\n')}`);
  await browser.editor();
  await browser.page.getByText('put aside').waitFor();
  expect(new URL(browser.page.url()).search).toBe('');
  await browser.run();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe('from a link: ü\n');
  await browser.page.reload();
  await browser.editor();
  await browser.page.getByRole('button', { name: 'Change places with it' }).click();
  await browser.page.locator('.view-line').filter({ hasText: '# my own work' }).waitFor();
  await browser.page.getByRole('button', { name: 'Change places with it' }).click();
  await browser.page.locator('.view-line').filter({ hasText: 'from a link' }).waitFor();
  await browser.go('/?lang=nonsense&code=x');
  await browser.page.getByText('which this server does not know').waitFor();
});

it('runs a program of the past again, and opens its code', async () => {
  await browser.program('print("once")\n');
  await browser.run();
  await browser.status(/Exit 0/);
  const first = browser.page.url();
  await browser.page.getByLabel('More about this run').click();
  await browser.page.getByRole('button', { name: 'Run again' }).click();
  await expect.poll(() => browser.page.url()).not.toBe(first);
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe('once\n');
  const other = await Browser.open();
  try {
    await other.go(`${new URL(first).pathname}/replay`);
    await expect.poll(() => other.output()).toBe('once\n');
    await other.page.getByRole('button', { name: 'Open its code' }).click();
    await other.editor();
    await other.page.locator('.view-line').filter({ hasText: 'print("once")' }).waitFor();
  } finally {
    await other.close();
  }
});
