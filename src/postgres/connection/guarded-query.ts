import { Query } from 'pg';
import type { ClientLike, ClientQuery } from './connection.ts';

/**
 * Sends SQL together with a guard: another statement, which fails when it runs in another session or transaction. PostgreSQL
 * keeps nothing of either then, and it costs no round trip. A text that leaves a literal open would swallow the guard: it is
 * sent without one.
 *
 * @returns what pg would have answered without the guard.
 */
export async function sendGuarded(
  client: ClientLike,
  query: ClientQuery,
  guard: string,
): Promise<unknown> {
  const { text, values = [], queryMode } = query;
  if (values.length > 0 || queryMode === 'extended') return sendBehindGuard(client, query, guard);
  // The guard on a line of its own, in case the text ends in a comment.
  const answer = await client.query({ ...query, text: `${text}\n;${guard}` });
  return withoutLast(answer);
}

/** Several statements answer with a list, one by itself; a text without any has answered with the guard alone. */
function withoutLast(answer: unknown): unknown {
  if (!Array.isArray(answer))
    return { ...(answer as object), command: null, rowCount: null, rows: [] };
  const own: readonly unknown[] = answer.slice(0, -1);
  return own.length === 1 ? own[0] : own;
}

/** The parts of pg's Query that its types leave out. */
interface WireQuery {
  prepare(connection: WireConnection): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, connection: WireConnection): void;
}

interface WireConnection {
  parse(statement: { readonly text: string }): void;
  bind(portal: object): void;
  execute(portal: object): void;
}

const PgQuery = Query as unknown as new (
  config: ClientQuery,
  callback: (error: Error | null, answer: unknown) => void,
) => WireQuery;

/**
 * Values travel in the extended protocol, which has one statement in a text, but as many as we like before its Sync: all of
 * them succeed together. The guard goes first, so that the statement does not even begin where the guard fails.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
class QueryBehindGuard extends PgQuery {
  readonly #guard: string;
  #isGuardDone = false;

  constructor(
    config: ClientQuery,
    guard: string,
    callback: (error: Error | null, answer: unknown) => void,
  ) {
    super(config, callback);
    this.#guard = guard;
  }

  override prepare(connection: WireConnection): void {
    connection.parse({ text: this.#guard });
    connection.bind({});
    connection.execute({});
    super.prepare(connection);
  }

  override handleDataRow(message: unknown): void {
    if (this.#isGuardDone) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#isGuardDone) super.handleCommandComplete(message, connection);
    this.#isGuardDone = true;
  }
}

function sendBehindGuard(client: ClientLike, config: ClientQuery, guard: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const query = new QueryBehindGuard(config, guard, (error, answer) => {
      if (error) reject(error);
      else resolve(answer);
    });
    const { text, query_timeout } = config;
    void client.query(Object.assign(query, { text, ...(query_timeout && { query_timeout }) }));
  });
}
