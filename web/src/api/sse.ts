/** One event of a stream of server-sent events. */
export interface SseEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events out of text that arrives in any pieces. */
export class SseParser {
  private rest = '';
  private data: string[] = [];
  private id: string | null = null;
  private event = 'message';

  /** Takes the next piece and gives the events that it completes. */
  push(piece: string): SseEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): SseEvent[] {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    else if (field === 'event') this.event = value;
    return [];
  }

  private dispatch(): SseEvent[] {
    const { data, id, event } = this;
    this.data = [];
    this.event = 'message';
    return data.length === 0 ? [] : [{ id, event, data: data.join('\n') }];
  }
}
