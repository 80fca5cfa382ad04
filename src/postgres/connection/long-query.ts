import { once } from 'node:events';
import { Query } from 'pg';
import type { ClientLike, ClientQuery } from './connection.ts';

/** SQL of any length, with the number of its commands that have run. */
export interface LongQuery {
  /** The whole text; only its beginning when there are pieces. */
  readonly text: string;
  /** The text in UTF-8, piece by piece. Each piece is made when it is sent. */
  readonly pieces?: {
    /** The bytes of all pieces. */
    readonly size: number;
    read(): AsyncIterable<Buffer>;
  };
  /** The number of its commands that have run; left out until they are counted. */
  ran?: number;
}

/** The parts of pg's Query that its types leave out. */
interface WireQuery {
  text: string;
  submit(connection: SocketConnection): Error | null;
  handleCommandComplete(message: unknown, connection: SocketConnection): void;
}

interface SocketConnection {
  readonly stream: NodeJS.WritableStream & { destroy(error?: Error): void };
}

type Callback = (error: Error | null, answer: unknown) => void;

const PgQuery = Query as unknown as new (config: ClientQuery, callback: Callback) => WireQuery;

/** Counts the commands that have run, and writes a long text piece by piece. */
class QueryInPieces extends PgQuery {
  readonly #request: LongQuery;
  readonly #tail: string;
  /** The error that kept the text from being written to its end. */
  failure: unknown;

  constructor(request: LongQuery, tail: string, callback: Callback) {
    super({ text: request.pieces ? request.text : request.text + tail }, callback);
    this.#request = request;
    this.#tail = tail;
  }

  override submit(connection: SocketConnection): Error | null {
    this.#request.ran = 0;
    if (!this.#request.pieces) return super.submit(connection);
    this.#write(connection, this.#request.pieces).catch((error: unknown) => {
      // PostgreSQL waits for the rest of the message, and takes nothing else until then.
      this.failure = error;
      connection.stream.destroy();
    });
    return null;
  }

  /** https://www.postgresql.org/docs/current/protocol-message-formats.html: Query, which begins with its length. */
  async #write(
    { stream }: SocketConnection,
    pieces: NonNullable<LongQuery['pieces']>,
  ): Promise<void> {
    const tail = Buffer.from(`${this.#tail}\0`);
    const head = Buffer.from('Q....');
    head.writeInt32BE(head.length - 1 + pieces.size + tail.length, 1);
    stream.write(head);
    for await (const piece of pieces.read()) {
      if (!stream.writable) return;
      if (!stream.write(piece)) await untilDrained(stream);
    }
    stream.write(tail);
  }

  override handleCommandComplete(message: unknown, connection: SocketConnection): void {
    this.#request.ran = (this.#request.ran ?? 0) + 1;
    super.handleCommandComplete(message, connection);
  }
}

/** Waits until the stream takes more, or is closed. */
async function untilDrained(stream: NodeJS.WritableStream): Promise<void> {
  const passed = new AbortController();
  const { signal } = passed;
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]);
  } finally {
    passed.abort();
  }
}

/**
 * Sends a long text. pg would make a message of 200 MB in one go, and nothing else would run in this process meanwhile.
 *
 * @param tail SQL to send behind the text, in the same message.
 */
export async function sendLong(
  client: ClientLike,
  request: LongQuery,
  { tail, query_timeout }: { readonly tail: string; readonly query_timeout: number },
): Promise<unknown> {
  if (!writesItself(client)) return client.query({ text: (await readWhole(request)) + tail });
  return new Promise((resolve, reject) => {
    const query = new QueryInPieces(request, tail, (error, answer) => {
      if (error) reject(query.failure ?? error);
      else resolve(answer);
    });
    void client.query(Object.assign(query, { query_timeout }));
  });
}

/** Whether the client is one of pg, whose queries write themselves. */
function writesItself(client: ClientLike): boolean {
  const { connection } = client as { readonly connection?: { readonly stream?: object } };
  return connection?.stream !== undefined && 'write' in connection.stream;
}

async function readWhole({ text, pieces }: LongQuery): Promise<string> {
  if (!pieces) return text;
  const read: Buffer[] = [];
  for await (const piece of pieces.read()) read.push(piece);
  return Buffer.concat(read).toString('utf8');
}
