// A Runlog of our own for the browser tests: the real NATS, PostgreSQL, worker, projector and edge,
// on free ports and on data that are thrown away afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The program that is tried: what `cargo build --package runlog` made, or another one. */
const PROGRAM = process.env['RUNLOG_PROGRAM'] ?? resolve(ROOT, process.env['CARGO_TARGET_DIR'] ?? 'target', 'debug/runlog');

/** Where a Runlog is to be found. */
export interface Place {
  /** Of its edge. */
  readonly url: string;
  /** Of its log. */
  readonly natsUrl: string;
  /** Of its history. */
  readonly databaseUrl: string;
}

/** A running service. */
export interface Service {
  readonly url: string;
  /** Ends it as Ctrl+C does. */
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** Starts everything, on a folder that is removed when it is stopped. */
export async function startRunlog(options: readonly string[] = []): Promise<Service & { readonly place: Place }> {
  const folder = mkdtempSync(join(tmpdir(), 'runlog-web-'));
  const service = await start(['up', '--json', '--port', '0', '--data', join(folder, 'data'), ...options], join(folder, 'log'));
  const up = JSON.parse(readFileSync(join(folder, 'data/up.json'), 'utf8')) as { nats_url: string; database_url: string };
  const removing = async (end: Promise<void>) => {
    await end;
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    url: service.url,
    place: { url: service.url, natsUrl: up.nats_url, databaseUrl: up.database_url },
    stop: () => removing(service.stop()),
    kill: () => removing(service.kill()),
  };
}

/** Starts one more edge; port 0 takes a free one. */
export function startEdge({ natsUrl, databaseUrl }: Place, port: number, log: string): Promise<Service> {
  const listen = `127.0.0.1:${port}`;
  return start(['edge', '--json', '--listen', listen, '--nats-url', natsUrl, '--database-url', databaseUrl], log);
}

/** Starts a service and waits until it says where it is. */
async function start(args: readonly string[], log: string): Promise<Service> {
  const err = openSync(log, 'a');
  const child = spawn(PROGRAM, args, { cwd: ROOT, stdio: ['ignore', 'pipe', err] });
  closeSync(err);
  const gone = once(child, 'exit');
  const line = await Promise.race([firstLine(child), gone.then(() => null)]).catch((error: unknown) => {
    throw new Error(`${PROGRAM} cannot be started; build it with \`cargo build --package runlog\``, { cause: error });
  });
  if (line === null) throw new Error(`runlog ${args[0]} ended at once:\n${readFileSync(log, 'utf8')}`);
  const { url } = JSON.parse(line) as { url: string };
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await gone;
  };
  return { url, stop: () => end('SIGINT'), kill: () => end('SIGKILL') };
}

async function firstLine(child: ChildProcess): Promise<string | null> {
  if (!child.stdout) return null;
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), once(lines, 'close').then(() => [null])])) as [string | null];
  child.stdout.resume();
  return line;
}
