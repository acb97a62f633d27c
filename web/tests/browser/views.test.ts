// What every view must hold: for eyes, fingers, keyboards and screen readers, and for the network.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, PHONE, RUNLOG, shared } from './browser';

const AXE = readFileSync(fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');
const PROGRAM = 'import sys\nprint("\\x1b[32mgreen\\x1b[33m yellow\\x1b[34m blue\\x1b[0m", flush=True)\nprint("no", file=sys.stderr)\n1/0\n';

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string }[];
}

/** What axe finds in the page as it is, from `moderate` on. */
async function findings(browser: Browser): Promise<string[]> {
  await browser.page.evaluate(AXE);
  const { violations } = await browser.page.evaluate<{ violations: Violation[] }>('axe.run(document)');
  return violations
    .filter(({ impact }) => impact !== 'minor' && impact !== null)
    .map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes[0]?.html ?? ''}`);
}

describe.each([
  ['light', 'wide'],
  ['dark', 'wide'],
  ['light', 'phone'],
  ['dark', 'phone'],
] as const)('axe finds nothing in %s on a %s screen', (colorScheme, screen) => {
  let browser: Browser;
  let run = '';
  beforeAll(async () => {
    // axe is put into the page by evaluating it, which the page's own policy forbids.
    browser = await Browser.open({ colorScheme, bypassCSP: true, ...(screen === 'phone' ? PHONE : {}) });
  });
  afterAll(() => browser.close());

  it('in the editor and in the console', async () => {
    await browser.program(PROGRAM);
    expect(await findings(browser)).toEqual([]);
    await browser.page.getByText('Options').click();
    expect(await findings(browser)).toEqual([]);
    await browser.run();
    await browser.status(/Exit 1/);
    expect(await findings(browser)).toEqual([]);
    run = browser.page.url().split('/').at(-1) ?? '';
  });

  it('at a terminal', async () => {
    await browser.program('input("name? ")\n', { mode: 'terminal' });
    await browser.run();
    await browser.status(/Running/);
    expect(await findings(browser)).toEqual([]);
    await browser.page.keyboard.press('Shift+F5');
    await browser.status(/Stopped/);
  });

  it('in everything else', async () => {
    for (const [path, sign] of [
      ['/history', 'tbody tr'],
      ['/ops', 'canvas'],
      [`/runs/${run}/replay`, 'input[type=range]'],
      [`/diff/${run}/${run}`, 'table'],
      [`/s/${await shared(run)}`, '[data-testid="code"] .cm-line'],
      [`/embed/${await shared(run)}`, '[data-testid="code"] .cm-line'],
      ['/runs/01941f29-7c00-7000-8000-000000000001', '[role=alert]'],
    ] as const) {
      await browser.go(path);
      await browser.page.locator(sign).first().waitFor();
      expect(await findings(browser), path).toEqual([]);
    }
    await browser.page.getByRole('button', { name: 'Keys and settings' }).click();
    expect(await findings(browser)).toEqual([]);
    await browser.go('/');
    await browser.editor();
    await browser.page.getByTestId('language').click();
    await browser.page.getByRole('option').first().waitFor();
    expect(await findings(browser)).toEqual([]);
    await browser.page.keyboard.press('Escape');
    await browser.page.getByRole('button', { name: 'Share' }).click();
    await browser.page.getByLabel('Link', { exact: true }).waitFor();
    expect(await findings(browser)).toEqual([]);
  });
});

describe('on a phone', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.open(PHONE);
  });
  afterAll(() => browser.close());

  it('shows one pane at a time, and talks to a program without a keyboard of keys', async () => {
    await browser.program('print("Hello,", input("name? "))\n', { mode: 'terminal' });
    expect(await browser.page.locator('.cm-editor').isVisible()).toBe(true);
    expect(await browser.page.locator('.monaco-editor').count()).toBe(0);
    await browser.page.getByRole('button', { name: 'Run', exact: true }).tap();
    await expect.poll(() => browser.output()).toContain('name?');
    expect(await browser.page.locator('.cm-editor').isVisible()).toBe(false);
    await browser.page.getByLabel('Input for the program').fill('Ada');
    await browser.page.getByRole('button', { name: 'Send' }).tap();
    await browser.status(/Exit 0/);
    expect(await browser.output()).toContain('Hello, Ada');
  });
});

describe('with the keyboard alone', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await Browser.open();
  });
  afterAll(() => browser.close());
  const pane = () => browser.page.evaluate(() => document.activeElement?.closest('[data-pane]')?.getAttribute('data-pane'));

  it('F6 goes round the panes, and Tab can leave the editor', async () => {
    await browser.program('print(1)\n');
    const seen = [];
    for (let press = 0; press < 4; press += 1) {
      await browser.page.keyboard.press('F6');
      await expect.poll(pane).not.toBe(seen.at(-1));
      seen.push(await pane());
    }
    expect(seen).toEqual(['files', 'code', 'options', 'console']);
    await browser.page.keyboard.press('Shift+F6');
    await browser.page.keyboard.press('Shift+F6');
    await expect.poll(pane).toBe('code');
    await browser.page.getByText('lets Tab leave the editor').waitFor();
    await browser.page.keyboard.press('Tab');
    expect(await pane()).toBe('code');
    await browser.page.keyboard.press('Control+m');
    await browser.page.keyboard.press('Tab');
    expect(await pane()).not.toBe('code');
  });

  it('a program is written, run and stopped', async () => {
    await browser.program('');
    await browser.page.keyboard.press('F6');
    await browser.page.keyboard.press('F6');
    await browser.page.keyboard.type('import time; print("on", flush=True); time.sleep(9)');
    await browser.run();
    await expect.poll(() => browser.output()).toContain('on');
    await browser.page.keyboard.press('Shift+F5');
    await browser.status(/Stopped by request/);
  });
});

describe('the network', () => {
  it('brings the page under its policy, and what can be kept is kept', async () => {
    const page = await fetch(RUNLOG, { headers: { 'accept-encoding': 'br' } });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain('unsafe-eval');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? '';
    const asset = await fetch(RUNLOG + script);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-encoding')).toMatch(/^(br|gzip)$/);
    const tag = asset.headers.get('etag') ?? '';
    const again = await fetch(RUNLOG + script, { headers: { 'if-none-match': tag } });
    expect(again.status).toBe(304);
    expect((await fetch(`${RUNLOG}/assets/none.js`)).status).toBe(404);
  });

  it('fetches little before the page can be used, and shows the code without the editor', async () => {
    const browser = await Browser.open();
    // The editor never comes: what is there before it is what is looked at.
    await browser.page.route(/monaco|codemirror|xterm/i, (route) => route.abort());
    let bytes = 0;
    browser.page.on('response', (response) => {
      bytes += Number(response.headers()['content-length'] ?? 0);
    });
    await browser.go('/');
    await browser.page.getByRole('button', { name: 'Run', exact: false }).first().waitFor();
    await browser.page.getByRole('textbox', { name: 'main.py, code' }).waitFor();
    await browser.page.waitForLoadState('networkidle');
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(300_000);
    browser.complaints.length = 0;
    await browser.close();
  });

  it('lets no script run that is not its own', async () => {
    const browser = await Browser.open();
    await browser.go('/');
    await browser.editor();
    const broken = await browser.page.evaluate(async () => {
      const found: string[] = [];
      addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.pwned = true';
      document.body.append(script);
      const button = document.createElement('button');
      button.setAttribute('onclick', 'window.pwned = true');
      document.body.append(button);
      button.click();
      await fetch('http://127.0.0.1:9/').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { found, pwned: 'pwned' in window };
    });
    expect(broken.pwned).toBe(false);
    expect(new Set(broken.found)).toEqual(new Set(['script-src-elem', 'script-src-attr', 'connect-src']));
    // The debugger is not under the policy, so the page itself must evaluate: a timer with a text does.
    const evaluated = await browser.page.evaluate(async () => {
      Reflect.apply(setTimeout, window, ['window.pwned = true', 0]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return 'pwned' in window;
    });
    expect(evaluated).toBe(false);
    browser.complaints.length = 0;
    browser.foreign.length = 0;
    await browser.close();
  });
});
