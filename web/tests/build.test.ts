// What the build must hold: the size of the first load, the policy, no foreign hosts, one set of types.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { generate, GENERATED, SNAPSHOT } from '../scripts/api.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const html = () => readFileSync(join(dist, 'index.html'), 'utf8');
const BUDGET_BYTES = 150_000;
/** What is evaluated at once: about a fifth of the large editor. */
const LARGEST_PART_BYTES = 700_000;

/** What a browser fetches before the page is there: the entry and what it imports. */
function firstLoad(): string[] {
  const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8')) as Record<
    string,
    { file: string; imports?: string[]; css?: string[] }
  >;
  const files = new Set<string>();
  const add = (name: string) => {
    const chunk = manifest[name];
    if (!chunk || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const css of chunk.css ?? []) files.add(css);
    for (const other of chunk.imports ?? []) add(other);
  };
  add('index.html');
  return [...files];
}

describe('the build', () => {
  it('loads little at first, and neither editor nor terminal', () => {
    const files = firstLoad();
    const bytes = files.reduce((total, file) => total + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThanOrEqual(BUDGET_BYTES);
    expect(files.filter((file) => /monaco|codemirror|xterm|uplot/i.test(file))).toEqual([]);
  });

  it('has the large editor in parts, none of which holds the page up for long', () => {
    const parts = readdirSync(join(dist, 'assets')).filter((name) => /^monaco-.*\.js$/.test(name));
    expect(parts.length).toBeGreaterThan(6);
    for (const part of parts) expect(readFileSync(join(dist, 'assets', part)).length, part).toBeLessThan(LARGEST_PART_BYTES);
  });

  it('has no script and no handler in the page itself', () => {
    const scripts = [...html().matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, body] of scripts) {
      expect(attributes).toContain('src="/');
      expect(body).toBe('');
    }
    expect(html()).not.toMatch(/\son\w+=|javascript:|style="/);
  });

  it('names no other host in what the browser loads by itself', () => {
    expect(html()).not.toMatch(/(?:src|href)="(?!\/)/);
    for (const file of readdirSync(join(dist, 'assets')).filter((name) => name.endsWith('.css'))) {
      expect(readFileSync(join(dist, 'assets', file), 'utf8')).not.toMatch(/url\(["']?(?:https?:)?\/\//);
    }
  });

  it('keeps a policy that allows no foreign and no inline script', () => {
    const policy = readFileSync(join(root, 'csp.txt'), 'utf8');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/);
  });

  it('stands there compressed, byte for byte', () => {
    const files = readdirSync(join(dist, 'assets')).filter((name) => /\.(js|css)$/.test(name));
    expect(files.length).toBeGreaterThan(10);
    for (const name of files) {
      const path = join(dist, 'assets', name);
      expect(name).toMatch(/-[\w-]{8}\.(js|css)$/);
      const bytes = readFileSync(path);
      if (bytes.length < 1000) continue;
      if (existsSync(`${path}.gz`)) expect(gunzipSync(readFileSync(`${path}.gz`)).equals(bytes)).toBe(true);
      if (existsSync(`${path}.br`)) expect(brotliDecompressSync(readFileSync(`${path}.br`)).equals(bytes)).toBe(true);
      if (bytes.length > 5000) expect(existsSync(`${path}.gz`) && existsSync(`${path}.br`)).toBe(true);
    }
  });
});

it('has no download addresses in its lock file', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toMatch(/"resolved"|https?:\/\/registry/);
});

it('has the types that the edge writes', () => {
  const document: unknown = JSON.parse(readFileSync(SNAPSHOT, 'utf8'));
  expect(readFileSync(GENERATED, 'utf8'), 'run `npm run types`').toBe(generate(document));
});
