// One live view of one execution: connects, resumes where it was, and gives up only when there is
// nothing to watch. Task tree: one connection at a time, one timer for the next one, one watch.
import * as v from 'valibot';
import { backoffMs } from './backoff';
import * as client from './client';
import { ApiError } from './error';
import { ViewerMessage, type ViewerRequest } from './generated';
import { send } from './http';
import { SseParser } from './sse';
import { parseJson } from '../lib/json';

/** How the view is connected. */
export type Link = 'connecting' | 'live' | 'waiting' | 'closed';

/** What a live view reports. */
export interface LiveHandlers {
  message(message: ViewerMessage): void;
  link(link: Link): void;
  /** There is nothing to watch: unknown, or not understood. */
  gone(error: ApiError): void;
}

/** The edge sends a comment every 15 s; silence longer than this means that the line is dead. */
const SILENCE_MS = 40_000;
const WATCH_MS = 5_000;

/** A watch that comes so late was not late: the machine slept. Hidden pages are watched once a
 * minute. */
const SLEPT_MS = 90_000;

/** A browser opens six connections to one server over HTTP/1.1; streams must leave some of them to
 * requests. Sockets do not count among them. */
const MOST_STREAMS = 2;
let streams = 0;

/** Watches one execution. */
export class Live {
  private cursor: string | null = null;
  private failures = 0;
  private closed = false;
  private heardAt = Date.now();
  private lookedAt = Date.now();
  private drop: (() => void) | null = null;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private watch: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly id: string,
    private readonly transport: 'sse' | 'ws',
    private readonly handlers: LiveHandlers,
  ) {}

  start(): void {
    this.watch = setInterval(() => this.look(), WATCH_MS);
    addEventListener('online', this.wake);
    document.addEventListener('visibilitychange', this.wake);
    this.connect();
  }

  /** Says something to the program; `false` where nothing can be said now. */
  send(request: ViewerRequest): boolean {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(request));
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    removeEventListener('online', this.wake);
    document.removeEventListener('visibilitychange', this.wake);
    if (this.timer) clearTimeout(this.timer);
    if (this.watch) clearInterval(this.watch);
    this.drop?.();
    this.handlers.link('closed');
  }

  /** Connects now instead of when the wait is over. */
  private readonly wake = (): void => {
    if (this.timer !== null && document.visibilityState === 'visible') {
      this.failures = 0;
      this.connect();
    }
  };

  /** Notices a line that went dead without a word, as after the sleep of a laptop. */
  private look(): void {
    const now = Date.now();
    const slept = now - this.lookedAt > SLEPT_MS;
    this.lookedAt = now;
    // A socket's own keep-alive cannot be seen from here.
    const silent = this.socket === null && now - this.heardAt > SILENCE_MS;
    if (this.drop !== null && (slept || silent)) this.again();
  }

  private connect(): void {
    if (this.closed) return;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.drop?.();
    this.heardAt = Date.now();
    this.handlers.link('connecting');
    if (this.transport === 'ws' || streams >= MOST_STREAMS) this.openSocket();
    else void this.openStream();
  }

  private again(): void {
    if (this.closed || this.timer !== null) return;
    this.drop?.();
    this.drop = null;
    this.handlers.link('waiting');
    const wait = backoffMs(this.failures, Math.random());
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), wait);
  }

  private give(error: ApiError): void {
    this.handlers.gone(error);
    this.close();
  }

  private take(json: string): void {
    const parsed = v.safeParse(ViewerMessage, parseJson(json));
    if (!parsed.success) {
      this.give(new ApiError({ kind: 'unreadable', requestId: null }));
      return;
    }
    const message = parsed.output;
    this.heardAt = Date.now();
    if ('cursor' in message) this.cursor = message.cursor;
    if (message.type === 'resume') {
      this.failures = 0;
      this.connect();
      return;
    }
    this.handlers.message(message);
    if (message.type === 'event' && message.execution.status === 'ended') this.close();
  }

  private async openStream(): Promise<void> {
    const abort = new AbortController();
    this.drop = () => abort.abort();
    this.socket = null;
    streams += 1;
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (this.cursor !== null) headers['last-event-id'] = this.cursor;
      const path = `/v1/executions/${encodeURIComponent(this.id)}/events`;
      const response = await send(path, { headers, signal: abort.signal, cache: 'no-store' });
      this.connected();
      await this.read(response, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) return;
      if (error instanceof ApiError && !error.ours) return this.give(error);
    } finally {
      streams -= 1;
    }
    if (!abort.signal.aborted) this.again();
  }

  private async read(response: Response, signal: AbortSignal): Promise<void> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) return;
    const parser = new SseParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.heardAt = Date.now();
      for (const event of parser.push(value)) {
        if (signal.aborted) return;
        this.take(event.data);
      }
    }
  }

  private openSocket(): void {
    const from = this.cursor === null ? '' : `?from=${encodeURIComponent(this.cursor)}`;
    const address = new URL(`/v1/executions/${encodeURIComponent(this.id)}/ws${from}`, location.href);
    address.protocol = address.protocol.replace('http', 'ws');
    const socket = new WebSocket(address);
    let dropped = false;
    let opened = false;
    this.socket = socket;
    this.drop = () => {
      dropped = true;
      socket.close();
    };
    socket.onopen = () => {
      opened = true;
      if (!dropped) this.connected();
    };
    socket.onmessage = (event) => {
      if (!dropped && typeof event.data === 'string') this.take(event.data);
    };
    socket.onclose = () => {
      if (dropped) return;
      if (opened) this.again();
      else void this.explain();
    };
  }

  /** A socket that was refused does not say why; a plain request does. */
  private async explain(): Promise<void> {
    try {
      await client.execution(this.id);
    } catch (error) {
      if (error instanceof ApiError && !error.ours) return this.give(error);
    }
    this.again();
  }

  private connected(): void {
    this.failures = 0;
    this.handlers.link('live');
  }
}
