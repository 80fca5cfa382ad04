import type { ClientLike } from './connection.ts';
import { writeAtOnce, type WireConnection } from './wire.ts';

/** A statement of a batch. */
export interface BatchStatement {
  readonly text: string;
  /** Whether its rows are wanted. */
  readonly isQuestion?: boolean;
  /** Whether the same text will come again: it is prepared once. */
  readonly isRepeated?: boolean;
}

/** A row of an answer: its values as PostgreSQL writes them, in the order of the columns. */
type TextRow = readonly (string | null)[];

/** The rows of each statement of a batch; none of a statement that is no question. */
export type BatchAnswer = readonly (readonly TextRow[])[];

const wireMethods = ['parse', 'bind', 'execute', 'flush', 'sync', 'sendCopyFail'] as const;

/** Whether a batch can be sent on this client: pg's own, and not one that sends ahead of its answers. */
export function takesBatches(client: ClientLike): boolean {
  const { connection, pipeline } = client as {
    readonly connection?: Readonly<Record<string, unknown>>;
    readonly pipeline?: unknown;
  };
  return (
    pipeline !== true &&
    connection !== undefined &&
    wireMethods.every((name) => typeof connection[name] === 'function')
  );
}

interface BatchOptions {
  /** Called with the index of each statement that has run. */
  readonly onRun: (index: number) => void;
  /** The statements that are prepared on the connection. */
  readonly prepared: PreparedStatements;
  /** In ms. */
  readonly query_timeout: number;
}

/**
 * Sends statements at once, without waiting for an answer in between: one round trip. Each is a message of its own, so that
 * PostgreSQL reports the place of an error in that statement, and each is answered as soon as it has run. After an error
 * nothing further runs.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING
 */
export function sendBatch(
  client: ClientLike,
  statements: readonly BatchStatement[],
  options: BatchOptions,
): Promise<BatchAnswer> {
  return new Promise((resolve, reject) => {
    const batch = new Batch(statements, options, (error, answer) => {
      if (error) reject(error);
      else resolve(answer ?? []);
    });
    void client.query(batch);
  });
}

/** As pg takes what sends itself: https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/query.js */
class Batch {
  readonly query_timeout: number;
  /** pg puts its own in this place, which clears the timer. */
  callback: (error: Error | null, answer?: BatchAnswer) => void;
  readonly #statements: readonly BatchStatement[];
  readonly #options: BatchOptions;
  readonly #answers: TextRow[][];
  /** Empty for a statement that is not prepared. */
  readonly #names: string[] = [];
  #at = 0;

  constructor(
    statements: readonly BatchStatement[],
    options: BatchOptions,
    callback: Batch['callback'],
  ) {
    this.query_timeout = options.query_timeout;
    this.callback = callback;
    this.#statements = statements;
    this.#options = options;
    this.#answers = statements.map(() => []);
  }

  /** For tools that report queries. */
  get text(): string {
    return this.#statements.map(({ text }) => text).join(';\n');
  }

  submit(connection: WireConnection): null {
    writeAtOnce(connection, () => {
      for (const [index, { text, isRepeated }] of this.#statements.entries()) {
        const known = isRepeated ? this.#options.prepared.find(text) : undefined;
        const name = known ?? (isRepeated ? this.#options.prepared.newName() : '');
        if (known === undefined) connection.parse({ name, text });
        this.#names[index] = name;
        connection.bind({ statement: name });
        connection.execute({});
        connection.flush();
      }
      connection.sync();
    });
    return null;
  }

  handleRowDescription(): void {
    // Nothing is asked to be described.
  }

  handleDataRow({ fields }: { readonly fields: TextRow }): void {
    if (this.#statements[this.#at]?.isQuestion) this.#answers[this.#at]?.push(fields);
  }

  handleCommandComplete(): void {
    const index = this.#at;
    const name = this.#names[index];
    // After an error before it, PostgreSQL would not have read it.
    if (name) this.#options.prepared.keep(this.#statements[index]?.text ?? '', name);
    this.#at += 1;
    this.#options.onRun(index);
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  handleCopyInResponse(connection: WireConnection): void {
    connection.sendCopyFail('a migration sends no data');
  }

  handleCopyData(): void {
    // Nothing reads the output of a COPY.
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(null, this.#answers);
  }
}

/** The names of the statements that are prepared on a connection. No name is used twice, so that a forgotten one does no harm. */
export class PreparedStatements {
  readonly #names = new Map<string, string>();
  #count = 0;

  find(text: string): string | undefined {
    return this.#names.get(text);
  }

  newName(): string {
    this.#count += 1;
    return `slipway_${this.#count}`;
  }

  keep(text: string, name: string): void {
    this.#names.set(text, name);
  }

  forget(): void {
    this.#names.clear();
  }
}
