// How long the page's main thread is held up at a time.
import type { Browser } from './browser';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Time of the thread on a processor, in microseconds; what others do beside it does not count. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The longest task of the page while something is done, in milliseconds of its own processor time:
 * the time for which a key press would have waited on a machine that does nothing else.
 */
export async function longestTaskMs(browser: Browser, doing: () => Promise<void>): Promise<number> {
  const session = await browser.context.newCDPSession(browser.page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise((resolve) => {
    session.on('Tracing.tracingComplete', resolve);
  });
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['toplevel', '__metadata'] } });
  await doing();
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mains = new Set(events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(thread));
  const tasks = events.filter((event) => mains.has(thread(event)) && event.ph === 'X' && event.name.endsWith('RunTask'));
  if (tasks.length < 100) throw new Error(`only ${tasks.length} tasks were seen`);
  return Math.max(...tasks.map(({ tdur }) => tdur ?? 0)) / 1000;
}
