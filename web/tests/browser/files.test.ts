// Files: made, renamed, dropped, taken along; and what is refused is said beside them.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unzip, zip } from '../../src/workspace/zip';
import { Browser } from './browser';

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.open();
});
afterAll(() => browser.close());

const files = () => browser.page.getByRole('region', { name: 'Files' });
const bytes = (text: string) => new TextEncoder().encode(text);

/** Drops files onto the page, as from another window. */
async function drop(...dropped: (readonly [string, Uint8Array])[]): Promise<void> {
  const all = dropped.map(([name, content]) => [name, Buffer.from(content).toString('base64')] as const);
  await browser.page.evaluate((list) => {
    const data = new DataTransfer();
    for (const [name, base64] of list) data.items.add(new File([Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))], name));
    document.querySelector('[data-pane="console"]')?.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
  }, all);
}

it('makes a file, names it, refuses a bad name, and brings a deleted one back', async () => {
  await browser.program('import helper\n');
  await files().getByRole('button', { name: 'New file' }).click();
  const field = files().getByLabel(/^New name of/);
  await field.fill('a/b.py');
  await files().getByText('A name cannot contain a slash').waitFor();
  await field.fill('main.py');
  await files().getByText('There is a file of this name already.').waitFor();
  await field.fill('helper.py');
  await field.press('Enter');
  await browser.page.locator('.monaco-editor .view-lines').click();
  await browser.page.keyboard.type('print("helped")');
  await browser.run();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe('helped\n');
  await files().getByRole('button', { name: 'Delete helper.py' }).click({ force: true });
  await files().getByText('Deleted helper.py.').waitFor();
  await files().getByRole('button', { name: 'Undo' }).click();
  await files().getByRole('button', { name: 'helper.py', exact: true }).waitFor();
});

it('takes what is dropped anywhere, and says beside the files what it does not take', async () => {
  await browser.program('print(open("data.bin", "rb").read())\n');
  await drop(['data.bin', Uint8Array.from([0, 255, 1])], ['big.txt', new Uint8Array(1_000_001)], ['in.zip', zip([{ name: 'one.txt', bytes: bytes('1') }])]);
  await files().getByText('binary, 3 B').waitFor();
  await files().getByRole('button', { name: 'one.txt', exact: true }).waitFor();
  await files().getByText('big.txt: more than the 1 MB').waitFor();
  await browser.run();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe("b'\\x00\\xff\\x01'\n");
});

it('guesses the language of what is dropped, and loses nothing', async () => {
  await browser.program('print("python")\n');
  await drop(['hello.sh', bytes('echo from bash\n')]);
  await files().getByText('This looks like Bash.').waitFor();
  await files().getByRole('button', { name: 'Open it as that' }).click();
  await browser.page.getByTestId('language').filter({ hasText: 'Bash' }).waitFor();
  await browser.run();
  await browser.status(/Exit 0/);
  await browser.terminal('from bash');
  await browser.language('python');
  await browser.page.locator('.view-line').filter({ hasText: 'print("python")' }).waitFor();
});

it('notices a program of another language that is pasted, moves it there, and loses nothing', async () => {
  await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await browser.program('print("mine")\n');
  await browser.page.evaluate(() => navigator.clipboard.writeText('#!/bin/bash\nfor n in 1 2; do\n  echo "pasted $n"\ndone\n'));
  await browser.page.locator('.monaco-editor .view-lines').click();
  await browser.page.keyboard.press('Control+a');
  await browser.page.keyboard.press('Control+v');
  await browser.page.getByText('What you pasted looks like Bash.').waitFor();
  await browser.page.getByRole('button', { name: 'Open it as that' }).click();
  await browser.page.getByTestId('language').filter({ hasText: 'Bash' }).waitFor();
  await browser.run();
  await browser.status(/Exit 0/);
  await browser.terminal('pasted 2');
  await browser.language('python');
  await browser.page.locator('.view-line').filter({ hasText: 'print("mine")' }).waitFor();
});

it('gives everything as a zip archive that it can read again', async () => {
  await browser.program('print(1)\n', { more: { 'ü.txt': 'two' } });
  const [download] = await Promise.all([browser.page.waitForEvent('download'), files().getByRole('button', { name: 'Download all as zip' }).click()]);
  const archive = new Uint8Array(readFileSync(await download.path()));
  const entries = await unzip(archive, 1000);
  expect(entries.map(({ name, bytes: content }) => [name, new TextDecoder().decode(content)])).toEqual([
    ['main.py', 'print(1)\n'],
    ['ü.txt', 'two'],
  ]);
});

it('is started where it is told to, with arguments and variables', async () => {
  await browser.program('print("not this one")\n', { more: { 'other.py': 'import os, sys\nprint(sys.argv[1:], os.environ["WORD"])\n' } });
  await files().getByRole('button', { name: 'Start with other.py' }).click({ force: true });
  await browser.page.getByText('Options').click();
  await browser.page.getByLabel('Arguments, as in a shell').fill(`one 'two words'`);
  await browser.page.getByLabel(/^Environment/).fill('WORD=set');
  await browser.run();
  await browser.status(/Exit 0/);
  expect(await browser.output()).toBe("['one', 'two words'] set\n");
});

it('refuses a limit that is out of range before it sends anything', async () => {
  await browser.program('print(1)\n', { limits: { wall_ms: 5 } });
  await browser.run();
  await browser.page.getByRole('alert').filter({ hasText: 'Time, ms: 100 to 60000.' }).waitFor();
});

it('shows the pictures that a program gave back, and gives its other files', async () => {
  await browser.program(
    'import base64\nopen("dot.png", "wb").write(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))\nopen("notes.txt", "w").write("kept")\n',
  );
  await browser.page.getByText('Options').click();
  await browser.page.getByLabel(/^Files to give back/).fill('dot.png notes.txt missing.txt');
  await browser.run();
  await browser.status(/Exit 0/);
  const given = browser.page.getByRole('region', { name: 'Files that the program gave back' });
  const picture = given.getByRole('img', { name: /dot\.png/ });
  await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1);
  const [download] = await Promise.all([browser.page.waitForEvent('download'), given.getByRole('link', { name: 'notes.txt' }).click()]);
  expect(readFileSync(await download.path(), 'utf8')).toBe('kept');
  await given.getByText('missing.txt was not given back').waitFor();
});
