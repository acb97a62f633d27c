// The tests in a real browser, on a real Runlog that they start (tests/browser/setup.ts).
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/browser/**/*.test.ts'],
    globalSetup: 'tests/browser/setup.ts',
    // A browser and the programs that it runs keep two cores busy.
    maxWorkers: 2,
    // A test that hangs has failed; no test depends on being faster than this.
    testTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
  },
});
