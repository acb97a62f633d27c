// One run in the page: sent, watched, stopped. Owns its connection and remembers its output.
import { backoffMs } from '../api/backoff';
import * as client from '../api/client';
import { ApiError } from '../api/error';
import type { Chunk, SubmitRequest, TerminalSize, ViewerMessage, ViewerRequest } from '../api/generated';
import { Live, type Link } from '../api/live';
import { randomId } from '../lib/random';
import { Store } from '../lib/store';
import { BLANK, type Screen, show } from './screen';

/** What is known of a run, apart from its output. */
export interface RunState extends Screen {
  readonly id: string | null;
  readonly link: Link;
  /** Why it could not be sent, watched or stopped. */
  readonly error: ApiError | null;
  /** Whether it is sent again by itself. */
  readonly again: boolean;
  /** Whether its end was asked for here. */
  readonly stopping: boolean;
  /** When the phase that it is in began, by this page's clock. */
  readonly phaseAt: number | null;
}

/** Takes output as it comes; everything that came before is told first. */
export interface OutputListener {
  clear(): void;
  chunks(chunks: readonly Chunk[]): void;
}

const ABSENT: RunState = {
  ...BLANK,
  id: null,
  link: 'closed',
  error: null,
  again: false,
  stopping: false,
  phaseAt: null,
};

let count = 0;

/** How often a program is sent again by itself, and how long it waits at first, in doublings. */
const MOST_TRIES = 8;
const FIRST_WAIT = 2;

/** How many requests are kept while nothing can be said: some lines of typing. */
const MOST_UNSAID = 1000;

/** A run. */
export class Run {
  /** Its name in this page; its id is known only once it was accepted. */
  readonly key: string;
  /** Its number among the runs of this page. */
  readonly number: number;
  readonly state = new Store<RunState>(ABSENT);
  private readonly listeners = new Set<OutputListener>();
  private chunks: Chunk[] = [];
  /** The number of the next chunk. No part of the state, which nobody has to look at for each. */
  private next = 0;
  private live: Live | null = null;
  private accepted: (() => void) | null = null;
  private unsaid: ViewerRequest[] = [];
  private asleep: (() => void) | null = null;
  /** The size that its terminal was last asked to have. */
  private size: TerminalSize | null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  private constructor(
    key: string,
    private readonly body: SubmitRequest | null,
  ) {
    this.key = key;
    count += 1;
    this.number = count;
    this.size = body?.terminal ?? null;
  }

  /** Sends a program. */
  static send(body: SubmitRequest, onAccepted: () => void): Run {
    const run = new Run(randomId(), body);
    run.accepted = onAccepted;
    void run.submit();
    return run;
  }

  /** Opens a run that exists. */
  static open(id: string): Run {
    const run = new Run(id, null);
    run.state.set({ id });
    void run.look();
    return run;
  }

  /** Tries again what failed; the key makes sure that nothing runs twice. */
  retry(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.state.set({ error: null, again: false });
    if (this.state.get().id === null) void this.submit();
    else void this.look();
  }

  /** Whether this page sent it. */
  get sentHere(): boolean {
    return this.body !== null;
  }

  /** Whether it was sent to run on a terminal. */
  get onTerminal(): boolean {
    return Boolean(this.body?.terminal);
  }

  /** Whether it was sent to be typed into. */
  get interactive(): boolean {
    return this.body?.interactive ?? false;
  }

  /** The files that were sent, where this page sent them. */
  get files(): readonly string[] {
    return this.body?.files?.map((file) => file.name) ?? [];
  }

  /**
   * Whether it is on its way to an end, so that it can be stopped and typed into. What was sent from
   * here is, from the very first: also while nothing has been heard of it yet.
   */
  get alive(): boolean {
    const { view, error, again } = this.state.get();
    return view === null ? this.sentHere && (!error || again) : view.status !== 'ended';
  }

  /** Asks for the end. A run that has not been accepted yet is stopped as soon as it is. */
  async stop(): Promise<void> {
    const { id } = this.state.get();
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
      this.state.set({ again: false });
      return;
    }
    this.state.set({ stopping: true });
    if (id === null) return;
    try {
      await client.cancel(id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // It ended by itself in the meantime, which the stream will say.
      if (error.failure.kind === 'refused' && error.failure.problem.status === 409) return;
      this.state.set({ error, stopping: false });
    }
  }

  /**
   * Says something to the program. What is typed before it runs, or while the line is down, is
   * kept until it can be said; `false` where there is no room for more.
   */
  say(request: ViewerRequest): boolean {
    const { phase, link } = this.state.get();
    if (request.type === 'resize') {
      const { columns, rows } = request;
      if (this.size?.columns === columns && this.size.rows === rows) return true;
      this.size = { columns, rows };
    }
    if (this.unsaid.length === 0 && phase === 'run' && link === 'live' && this.live?.send(request)) {
      return true;
    }
    if (!this.alive || this.unsaid.length >= MOST_UNSAID) return false;
    // Of sizes only the last one matters.
    if (request.type === 'resize') this.unsaid = this.unsaid.filter(({ type }) => type !== 'resize');
    this.unsaid.push(request);
    return true;
  }

  /** Lets go of its connection. */
  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.live?.close();
    this.live = null;
  }

  /** Hears of output, beginning with all that there was. */
  listen(listener: OutputListener): () => void {
    this.listeners.add(listener);
    const { asleep } = this;
    this.asleep = null;
    asleep?.();
    if (this.chunks.length > 0) listener.chunks(this.chunks);
    return () => this.listeners.delete(listener);
  }

  private sayAll(): void {
    const { phase, link } = this.state.get();
    if (phase !== 'run' || link !== 'live') return;
    while (this.unsaid[0] !== undefined && this.live?.send(this.unsaid[0])) this.unsaid.shift();
  }

  private async submit(): Promise<void> {
    if (this.body === null) return;
    try {
      const { id } = await client.submit(this.body, this.key);
      this.state.set({ id });
      this.accepted?.();
      this.watch(id, this.body.interactive ? 'ws' : 'sse');
      if (this.state.get().stopping) void this.stop();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.fail(error);
    }
  }

  /** Notes a failure; one of ours is tried again by itself. */
  private fail(error: ApiError): void {
    const again = error.ours && !this.state.get().stopping && this.failures < MOST_TRIES;
    this.state.set({ error, again, stopping: false, link: 'closed' });
    if (!again) return;
    const { failure } = error;
    const asked = failure.kind === 'ours' ? failure.retryAfterMs : null;
    this.timer = setTimeout(() => this.retry(), asked ?? backoffMs(FIRST_WAIT + this.failures, Math.random()));
    this.failures += 1;
  }

  /** Finds out what kind of run it is, then watches it. */
  private async look(): Promise<void> {
    const { id } = this.state.get();
    if (id === null) return;
    this.state.set({ link: 'connecting' });
    try {
      const view = await client.execution(id);
      this.state.set({ view });
      const watch = () => this.watch(id, view.interactive && view.status !== 'ended' ? 'ws' : 'sse');
      // The output of a run that has ended is fetched when somebody looks at it.
      if (view.status === 'ended' && this.listeners.size === 0) {
        this.asleep = watch;
        this.state.set({ link: 'closed' });
      } else watch();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.fail(error);
    }
  }

  private watch(id: string, transport: 'sse' | 'ws'): void {
    this.close();
    this.chunks = [];
    this.next = 0;
    for (const listener of this.listeners) listener.clear();
    const { view } = this.state.get();
    this.state.set({ ...BLANK, view });
    this.live = new Live(id, transport, {
      message: (message) => this.take(message),
      link: (link) => {
        this.state.set({ link });
        this.sayAll();
      },
      gone: (error) => this.state.set({ error }),
    });
    this.live.start();
  }

  private take(message: ViewerMessage): void {
    const before = this.state.get();
    const { screen, next, clear, chunks } = show(before, this.next, message);
    this.next = next;
    if (clear) {
      this.chunks = [];
      for (const listener of this.listeners) listener.clear();
    }
    const entered = screen.phase !== before.phase;
    const phaseAt = entered ? beginning(screen) : before.phaseAt;
    const stopping = before.stopping && screen.view?.status !== 'ended';
    this.state.set({ ...screen, phaseAt, stopping });
    if (chunks.length === 0) return;
    if (entered) this.sayAll();
    for (const chunk of chunks) this.chunks.push(chunk);
    for (const listener of this.listeners) listener.chunks(chunks);
  }
}

/**
 * When a phase began by this page's clock. Somebody who comes late goes by the worker's clock, as
 * far as that is possible.
 */
function beginning({ view, phase }: Screen): number | null {
  if (phase === null) return null;
  const now = Date.now();
  const started = view?.started_at_ms ?? now;
  return now - started > 1000 && phase === 'run' ? Math.min(started, now) : now;
}
