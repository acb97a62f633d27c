// One Runlog for all browser tests of a run. With RUNLOG_UP, the folder of the data of a running
// `runlog up`, they are tried on that one instead.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Place, startRunlog } from './system';

declare module 'vitest' {
  export interface ProvidedContext {
    runlog: Place;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const data = process.env['RUNLOG_UP'];
  if (data !== undefined) {
    const up = JSON.parse(readFileSync(join(data, 'up.json'), 'utf8')) as Record<string, string>;
    const url = process.env['RUNLOG_URL'] ?? up['url'] ?? '';
    project.provide('runlog', { url, natsUrl: up['nats_url'] ?? '', databaseUrl: up['database_url'] ?? '' });
    return undefined;
  }
  const runlog = await startRunlog();
  const page = await fetch(runlog.url);
  if (!page.ok) {
    await runlog.stop();
    throw new Error(`the program has no page: ${await page.text()}`);
  }
  project.provide('runlog', runlog.place);
  return () => runlog.stop();
}
