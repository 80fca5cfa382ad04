import { get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** One server-sent event. */
export interface SentEvent {
  readonly event: string;
  readonly id: number | undefined;
  readonly data: readonly string[];
}

/** A reader of an inspector's lines, as a browser is one. */
export interface EventReader {
  readonly response: IncomingMessage;
  readonly events: readonly SentEvent[];
  /** The lines of the recording so far. */
  readonly lines: readonly string[];
  /** Resolves when an event of that name has come. */
  has(name: string): Promise<void>;
  /** Resolves when a line matches. */
  shows(pattern: RegExp): Promise<void>;
  /** Resolves when the server or the network has ended the connection. */
  readonly closed: Promise<unknown>;
  leave(): void;
}

/** The address of the lines of an inspector. */
export function linesUrl(inspectorUrl: string, after?: number | string): URL {
  const url = new URL(inspectorUrl);
  url.pathname = '/events';
  if (after !== undefined) url.searchParams.set('after', String(after));
  return url;
}

export async function readEvents(
  inspectorUrl: string,
  { after, headers = {} }: { after?: number | string; headers?: OutgoingHttpHeaders } = {},
): Promise<EventReader> {
  const request = get(linesUrl(inspectorUrl, after), { headers, agent: false });
  onTestFinished(() => void request.destroy());
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const events: SentEvent[] = [];
  const looks = new Set<() => void>();
  let rest = '';
  response.setEncoding('utf8').on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) if (/^event: /m.test(block)) events.push(parseEvent(block));
    for (const look of looks) look();
  });
  const closed = new Promise((resolve) => response.once('close', resolve));
  response.on('error', () => {});
  const lines = (): readonly string[] =>
    events.flatMap(({ event, data }) => (event === 'lines' ? data : []));
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isSo()) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      void closed.then(() => reject(new Error('The connection has ended before')));
      look();
    });
  return {
    response,
    events,
    get lines() {
      return lines();
    },
    has: (name) => until(() => events.some(({ event }) => event === name)),
    shows: (pattern) => until(() => lines().some((line) => pattern.test(line))),
    closed,
    leave: () => void request.destroy(),
  };
}

function parseEvent(block: string): SentEvent {
  const fields = block
    .split('\n')
    .map((line) => [line.split(':', 1)[0], line.replace(/^\w+: ?/, '')]);
  const read = (name: string): string[] =>
    fields.flatMap(([field, value]) => (field === name ? [value ?? ''] : []));
  const id = read('id')[0];
  return {
    event: read('event')[0] ?? '',
    id: id === undefined ? undefined : Number(id),
    data: read('data'),
  };
}
