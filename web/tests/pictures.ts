// The main views, as they are shown in the README and the documents. Not a test: it writes pictures.
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions } from 'playwright-core';
import { it } from 'vitest';
import { Browser, PHONE } from './browser/browser';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const PROGRAM = `import random
import time

name = input("What is your name? ")
print(f"Hello, \\033[1;32m{name}\\033[0m! Three throws:")
for throw in range(1, 4):
    time.sleep(0.2)
    print(f"  {throw}. \\033[33m{'#' * random.randint(1, 6)}\\033[0m", flush=True)
`;
const BROKEN = `#include <iostream>
#include <string>

int main() {
    std::string word = "runlog";
    std::cout << word.size() << "\\n";
    return words.size();
}
`;

async function shot(browser: Browser, name: string): Promise<void> {
  await browser.page.mouse.move(700, 5);
  await browser.page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled', caret: 'hide' });
}

async function views(name: string, options: BrowserContextOptions): Promise<void> {
  const browser = await Browser.open({ viewport: { width: 1200, height: 720 }, ...options });
  try {
    const phone = options.isMobile === true;
    await browser.program(PROGRAM, { mode: 'terminal' });
    if (phone) await shot(browser, `editor-${name}`);
    await browser.run();
    if (phone) {
      await browser.page.getByTestId('output').getByText('What is your name?').waitFor();
      await browser.page.getByLabel('Input for the program').fill('Ada');
      await browser.page.getByRole('button', { name: 'Send' }).tap();
    } else {
      await browser.terminal('What is your name?');
      await browser.page.keyboard.type('Ada\n');
    }
    await browser.status(/Exit 0/);
    await shot(browser, phone ? `console-${name}` : `editor-${name}`);
    if (phone) return;
    const id = browser.page.url().split('/').at(-1) ?? '';
    await browser.program(BROKEN, { language: 'cpp', file: 'main.cpp' });
    await browser.run();
    await browser.status(/Did not compile/);
    await browser.page.locator('.monaco-editor .problem-line').first().waitFor();
    await shot(browser, `problems-${name}`);
    await browser.go(`/runs/${id}/replay`);
    await browser.page.getByRole('slider', { name: 'Moment' }).waitFor();
    await browser.terminal('Hello');
    await shot(browser, `replay-${name}`);
    await browser.go('/history');
    await browser.page.locator('tbody tr').first().waitFor();
    await shot(browser, `history-${name}`);
    await browser.go('/ops');
    await browser.page.locator('canvas').first().waitFor();
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    await shot(browser, `operations-${name}`);
  } finally {
    await browser.close();
  }
}

it('in the light', () => views('light', { colorScheme: 'light' }));
it('in the dark', () => views('dark', { colorScheme: 'dark' }));
it('on a phone', () => views('phone', { ...PHONE, colorScheme: 'dark' }));
