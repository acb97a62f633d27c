// On a phone nothing is too small to touch and nothing is wider than the screen, in every view and in
// everything that opens.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, PHONE, shared } from './browser';

const PROGRAM = 'print("to out")\nundefined_name\n';
const WIDTH = 390;
/** A hair below, since layouts round. */
const LEAST = 43.5;

let browser: Browser;
let run = '';
let snippet = '';
beforeAll(async () => {
  browser = await Browser.open(PHONE);
  await browser.program(PROGRAM);
  await browser.page.getByRole('button', { name: 'Run', exact: true }).tap();
  await browser.status(/Exit 1/);
  run = new URL(browser.page.url()).pathname.split('/').at(-1) ?? '';
  snippet = await shared(run);
});
afterAll(() => browser.close());

/** What can be touched here and is too small. */
async function tooSmall(): Promise<string[]> {
  return browser.page.evaluate((least) => {
    const targets = 'button, a[href], summary, select, [role=option], [role=slider], input:not([type=checkbox], [type=radio], [type=file]), label:has(input)';
    // Words in the lines of an output: the list of problems has the same places, large enough.
    const inLines = '[data-testid="output"] .place';
    return [...document.querySelectorAll(targets)]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.matches(inLines))
      .map((element) => ({ box: element.getBoundingClientRect(), html: element.outerHTML.slice(0, 120) }))
      .filter(({ box }) => box.width > 0 && (box.height < least || box.width < least))
      .map(({ box, html }) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`);
  }, LEAST);
}

async function check(what: string): Promise<void> {
  expect(await tooSmall(), what).toEqual([]);
  expect(await browser.page.evaluate(() => document.documentElement.scrollWidth), what).toBeLessThanOrEqual(WIDTH);
}

describe('nothing is too small to touch, and nothing is wider than the screen', () => {
  it('in every view', async () => {
    for (const [path, sign] of [
      ['/', '.cm-editor'],
      ['/history', 'tbody tr'],
      ['/ops', 'canvas'],
      [`/runs/${run}`, '[data-testid="output"] .segment'],
      [`/runs/${run}/replay`, 'input[type=range]'],
      [`/diff/${run}/${run}`, 'table'],
      [`/s/${snippet}`, '[data-testid="code"] .cm-line'],
      [`/embed/${snippet}`, '[data-testid="code"] .cm-line'],
      ['/runs/01941f29-7c00-7000-8000-000000000001', '[role=alert]'],
      ['/s/00000000000000000000000000000000', 'main'],
    ] as const) {
      await browser.go(path);
      await browser.page.locator(sign).first().waitFor();
      await browser.page.waitForLoadState('load');
      await check(path);
    }
  });

  it('in every pane of the editor', async () => {
    await browser.go(`/runs/${run}`);
    await browser.status(/Exit 1/);
    for (const pane of ['Files', 'Code', 'Console']) {
      await browser.page.getByRole('navigation', { name: 'Panes' }).getByRole('button', { name: pane }).tap();
      await check(pane);
    }
    await browser.page.getByRole('navigation', { name: 'Panes' }).getByRole('button', { name: 'Code' }).tap();
    await browser.page.getByRole('region', { name: 'Problems' }).waitFor();
    await browser.page.getByText('Options').tap();
    await check('Options');
  });

  it('in what opens', async () => {
    await browser.go(`/runs/${run}`);
    await browser.status(/Exit 1/);
    for (const [name, sign] of [
      ['More about this run', 'text=Replay with its own timing'],
      ['Keys and settings', 'dialog[open]'],
      ['Share', 'dialog[open]'],
    ] as const) {
      const opener = name === 'More about this run' ? browser.page.getByLabel(name) : browser.page.getByRole('button', { name });
      await opener.tap();
      await browser.page.locator(sign).first().waitFor();
      await check(name);
      await browser.page.keyboard.press('Escape');
    }
    await browser.page.getByTestId('language').tap();
    await browser.page.getByRole('option').first().waitFor();
    await check('the languages');
  });

  it('where a program is typed into', async () => {
    await browser.program('print("Hello,", input("name? "))\n', { mode: 'terminal' });
    await browser.page.getByRole('button', { name: 'Run', exact: true }).tap();
    await browser.page.getByLabel('Input for the program').waitFor();
    await check('the line to type');
    await browser.page.getByRole('button', { name: 'Stop', exact: true }).tap();
    await browser.status(/Stopped/);
  });
});
