import type { ServerResponse } from 'node:http';
import type { LineFeed } from './line-feed.ts';

/** In characters. One batch is the most that waits in the memory of this process for a browser that does not read. */
const batchLength = 64 * 1024;
/** A browser that has lost its connection comes back this soon. */
const retryMs = 1_000;

/**
 * The lines of a feed as one browser gets them, as server-sent events. There is no queue: while the browser does not read,
 * nothing is sent, and afterwards it goes on where it was.
 */
export class EventStream {
  readonly #feed: LineFeed;
  readonly #response: ServerResponse;
  readonly #readNow: (() => number) | undefined;
  readonly #leave: () => void;
  #sent: number;
  #isBlocked = false;

  /**
   * @param after How many lines the browser has already.
   * @param readNow Returns the ms since the start of the boot; left out for a recording from a file.
   */
  constructor(feed: LineFeed, response: ServerResponse, after: number, readNow?: () => number) {
    this.#feed = feed;
    this.#response = response;
    this.#readNow = readNow;
    this.#sent = after;
    this.#leave = feed.follow(this.#send);
    response.on('close', this.#leave);
    response.on('drain', () => {
      this.#isBlocked = false;
      this.#send();
    });
    this.#write(`retry: ${retryMs}\n\n${this.#now()}`);
    this.#send();
  }

  /** Sends the time, so that a connection that is dead is noticed. A browser that still has to read gets it later. */
  readonly sendNow = (): void => {
    if (!this.#isBlocked && !this.#feed.isOver) this.#write(this.#now());
  };

  readonly #send = (): void => {
    const { lines, isOver } = this.#feed;
    while (!this.#isBlocked && this.#sent < lines.length) {
      const batch = takeBatch(lines, this.#sent);
      this.#sent += batch.length;
      this.#write(`${toEvent(batch, this.#sent)}${this.#now()}`);
    }
    if (this.#isBlocked || !isOver) return;
    this.#leave();
    this.#response.end('event: end\ndata:\n\n');
  };

  #write(text: string): void {
    this.#isBlocked = !this.#response.write(text);
    // Otherwise it is sent at the next tick, and the code that blocks the process may come first.
    this.#response.socket?.uncork();
  }

  /** A reader that gets it has all lines so far. */
  #now(): string {
    const { lines, isOver } = this.#feed;
    if (!this.#readNow || isOver || this.#sent < lines.length) return '';
    return `event: now\ndata: ${this.#readNow()}\n\n`;
  }
}

/** At least one line: it may be longer than a batch. */
function takeBatch(lines: readonly string[], from: number): readonly string[] {
  let to = from;
  for (let length = 0; to < lines.length && length < batchLength; to += 1) {
    length += lines[to]?.length ?? 0;
  }
  return lines.slice(from, to);
}

/** A carriage return would end the line for the browser. In JSON it can only be a blank. */
function toEvent(lines: readonly string[], id: number): string {
  const data = lines.map((line) => `data: ${line.replaceAll('\r', ' ')}\n`).join('');
  return `event: lines\nid: ${id}\n${data}\n`;
}
