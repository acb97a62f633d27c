// Measures the page: `make bench`, or `npm --prefix web run bench`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['bench/page.ts'],
    globalSetup: 'tests/browser/setup.ts',
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ['default'],
  },
});
