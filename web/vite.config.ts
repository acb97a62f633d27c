import { readFileSync } from 'node:fs';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { precompress } from './build/precompress.ts';

const csp = readFileSync(new URL('csp.txt', import.meta.url), 'utf8').trim();
const edge = process.env['RUNLOG_URL'] ?? 'http://127.0.0.1:8740';
const proxy = {
  '/v1': { target: edge, ws: true },
  '/metrics': { target: edge },
  '/readyz': { target: edge },
};

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    // The lazy editor is large by nature; what is loaded first has a budget in tests/build.test.ts.
    chunkSizeWarningLimit: 5000,
    modulePreload: { polyfill: false },
    manifest: true,
    rolldownOptions: {
      output: {
        // Says of each part of the large editor what it is a part of.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) => id.includes('/monaco-editor/')) ? 'assets/monaco-[name]-[hash].js' : 'assets/[name]-[hash].js',
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy },
  preview: { proxy, headers: { 'Content-Security-Policy': csp } },
  // No test depends on being faster than this.
  test: { include: ['tests/*.test.ts'], environment: 'node', testTimeout: 120_000 },
});
