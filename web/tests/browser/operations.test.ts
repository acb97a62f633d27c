// The page for those who run Runlog: it shows what happens while it happens, and what was given up can
// be tried again or dropped. On a Runlog of its own, with a language that fails through our fault.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Browser } from './browser';
import { startRunlog } from './system';

/** Its toolchain is there, and yet there is nothing to run its programs with. */
const BROKEN = `name = "Broken"
extensions = ["broken"]
entry = "main.broken"

[toolchain]
packages = ["bash"]
programs = ["/usr/bin/bash"]

[toolchain.version]
argv = ["/usr/bin/bash", "--version"]
after = "version "

[run]
argv = ["/usr/bin/is-not-there", "{entry}"]

[[self_test]]
name = "hello"
files = { "main.broken" = "hello" }
outcome = { kind = "exited", code = 0 }
stdout = "Hello, world\\n"
`;

const languages = mkdtempSync(join(tmpdir(), 'runlog-languages-'));
let runlog: Awaited<ReturnType<typeof startRunlog>>;
let browser: Browser;
beforeAll(async () => {
  copyFileSync(fileURLToPath(new URL('../../../languages/bash.toml', import.meta.url)), join(languages, 'bash.toml'));
  writeFileSync(join(languages, 'broken.toml'), BROKEN);
  runlog = await startRunlog(['--languages', languages, '--slots', '2']);
  browser = await Browser.open({}, runlog.url);
});
afterAll(async () => {
  await browser.close();
  await runlog.stop();
  rmSync(languages, { recursive: true, force: true });
});

/** Sends a program and gives its id. */
async function submit(language: string, source: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${runlog.url}/v1/executions`, { method: 'POST', headers, body: JSON.stringify({ language, source }) });
  return ((await response.json()) as { id: string }).id;
}

const table = (name: string) => browser.page.getByRole('region', { name });
const chart = (title: string) => browser.page.locator('figcaption').filter({ hasText: title });

it('shows queues with the age of the oldest, slots and sandboxes, as they change', async () => {
  await browser.go('/ops');
  await browser.page.getByText('Nothing waits in any of the 6 queues.').waitFor();
  const worker = table('Workers').locator('tbody tr');
  await worker.filter({ hasText: /\d: any \d/ }).waitFor();
  const running = [];
  for (let run = 0; run < 5; run += 1) running.push(await submit('bash', 'sleep 50'));
  const queue = table('Queues').locator('tbody tr').filter({ hasText: 'bash' });
  await queue.filter({ hasText: /bash\s*api\s*3/ }).waitFor();
  // It grows older while one looks at it.
  const age = async () => (await queue.locator('td').nth(3).textContent()) ?? '';
  const first = await age();
  expect(first).toMatch(/^\d+(\.\d)? (ms|s)$/);
  await expect.poll(age).not.toBe(first);
  await chart('Waiting in the queues').filter({ hasText: 'waiting 3' }).waitFor();
  await chart('Slots').filter({ hasText: 'busy 2' }).waitFor();
  for (const id of running) await fetch(`${runlog.url}/v1/executions/${id}/cancel`, { method: 'POST' });
  await browser.page.getByText('Nothing waits in any of the 6 queues.').waitFor();
  await chart('Slots').filter({ hasText: 'busy 0' }).waitFor();
});

it('lists what was given up, has it tried again, and drops it', async () => {
  await browser.go('/ops');
  await browser.page.getByText('None: nothing was given up.').waitFor();
  const id = await submit('broken', 'anything');
  // It comes by itself once the third attempt has failed.
  const letter = table('Dead letters').locator('tbody tr').first();
  await letter.filter({ hasText: 'is-not-there' }).waitFor({ timeout: 60_000 });
  expect(await letter.getByRole('link', { name: 'Open' }).getAttribute('href')).toBe(`/runs/${id}`);
  await letter.getByRole('button', { name: 'Try again' }).click();
  const again = letter.getByRole('link', { name: 'Tried again' });
  await again.waitFor();
  const successor = (await again.getAttribute('href'))?.split('/').at(-1) ?? '';
  expect(successor).not.toBe(id);
  // The second one fails as well, and is listed beside the first.
  await table('Dead letters').locator('tbody tr').nth(1).waitFor({ timeout: 60_000 });
  const both = table('Dead letters').getByRole('button', { name: 'Drop' });
  await both.first().click();
  await expect.poll(() => both.count()).toBe(1);
  await both.first().click();
  await browser.page.getByText('None: nothing was given up.').waitFor();
  // What ran stays as it was.
  await browser.go(`/runs/${successor}`);
  expect(await browser.status(/Our fault/)).toContain('is-not-there');
});

it('says so when somebody else was faster', async () => {
  await submit('broken', 'once more');
  await browser.go('/ops');
  const drop = table('Dead letters').getByRole('button', { name: 'Drop' });
  await drop.waitFor({ timeout: 60_000 });
  await browser.page.route('**/v1/dead-letters/*', async (route) => {
    await fetch(route.request().url(), { method: 'DELETE' });
    await route.continue();
  });
  await drop.click();
  await browser.page.getByRole('alert').filter({ hasText: 'Could not do that' }).waitFor();
  await browser.page.getByText('None: nothing was given up.').waitFor();
});
