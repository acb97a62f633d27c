// A browser, and what people do in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';

/** Where Runlog runs. */
export const RUNLOG = inject('runlog').url;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A phone. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 780 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** How a program is run, where it is not Python on pipes. */
export interface ProgramOptions {
  readonly language?: string;
  readonly mode?: 'terminal' | 'pipes';
  readonly file?: string;
  readonly limits?: object;
  readonly stdin?: string;
  /** More files. */
  readonly more?: Readonly<Record<string, string>>;
}

/** An open browser with one page. */
export class Browser {
  /** Requests that went anywhere but to Runlog. */
  readonly foreign: string[] = [];
  /** What the page complained about. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly profile: string,
    /** Where the edge is that it talks to. */
    private readonly home: string,
  ) {
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && origin !== new URL(home).origin) this.foreign.push(request.url());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      const expected = /Failed to load resource|WebSocket connection/.test(message.text());
      if (message.type() === 'error' && !expected) this.complaints.push(message.text());
    });
  }

  static async open(options: BrowserContextOptions = {}, home = RUNLOG): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'runlog-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      headless: true,
      args: FLAGS,
      viewport: { width: 1360, height: 820 },
      ...options,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    return new Browser(context, page, profile, home);
  }

  /** Closes it, and insists that nothing went wrong unseen. */
  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
    expect(this.foreign).toEqual([]);
    expect(this.complaints).toEqual([]);
  }

  async go(path = '/'): Promise<void> {
    await this.page.goto(this.home + path);
  }

  /** Opens the editor with a program in it. */
  async program(text: string, options: ProgramOptions = {}): Promise<void> {
    const { language = 'python', mode = 'pipes', file = 'main.py', limits = {}, stdin = '', more = {} } = options;
    await this.go('/');
    const files = Object.entries({ [file]: text, ...more }).map(([name, content]) => ({ name, content: { text: content } }));
    const project = { language, files, active: file, entry: file, args: '', stdin, mode, limits };
    await this.page.evaluate(
      ([name, stored]) => {
        localStorage.setItem('runlog.language', JSON.stringify(name));
        localStorage.setItem(`runlog.project.${name}`, stored);
      },
      [language, JSON.stringify(project)] as const,
    );
    await this.go('/');
    await this.editor();
  }

  /** Waits for the full editor. */
  async editor(): Promise<void> {
    await this.page.locator('.monaco-editor .view-line, .cm-editor .cm-line').first().waitFor();
  }

  /** Chooses another language, as people do: by its name. */
  async language(id: string): Promise<void> {
    await this.page.getByTestId('language').click();
    await this.page.locator(`[data-language="${id}"]`).click();
  }

  async run(): Promise<void> {
    await this.page.keyboard.press('Control+Enter');
  }

  /** Waits until the status says so. */
  async status(pattern: RegExp, timeout = 20_000): Promise<string> {
    const status = this.page.getByTestId('status');
    await status.filter({ hasText: pattern }).waitFor({ timeout });
    return (await status.textContent()) ?? '';
  }

  /** What the console shows as text. */
  async output(): Promise<string> {
    return (await this.page.getByTestId('output').textContent()) ?? '';
  }

  /** Waits until the terminal shows a text. */
  async terminal(text: string): Promise<void> {
    await this.page.locator('.xterm-rows').filter({ hasText: text }).waitFor();
  }
}

/** Shares the program of a run; gives the id of what was shared. */
export async function shared(run: string): Promise<string> {
  const body = JSON.stringify({ execution_id: run });
  const made = await fetch(`${RUNLOG}/v1/snippets`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return ((await made.json()) as { id: string }).id;
}
