// Takes the pictures under docs/images: `npm --prefix web run pictures`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['tests/pictures.ts'], globalSetup: 'tests/browser/setup.ts', testTimeout: 300_000, hookTimeout: 300_000 },
});
