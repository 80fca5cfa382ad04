import { Client, type Pool } from 'pg';
import {
  ownTypes,
  toClientConfig,
  type QueryAnswer,
  type Querying,
} from '../connection/connection.ts';
import { destroySocket } from '../connection/own-pool.ts';
import { nameSession } from '../connection/session-settings.ts';
import { quoteLiteral } from '../sql/identifier.ts';

/** pg has this, and leaves it out of its types. */
type RealClient = Client & { unref(): void };

/** A server that takes longer has more important things to do than to answer us. In ms. */
const longestAnswerMs = 5_000;

const settings = {
  application_name: nameSession('monitor'),
  statement_timeout: String(longestAnswerMs),
  idle_session_timeout: '0',
  // To compile the query would take longer than to run it.
  jit: 'off',
};

/** A connection beside the pool, from which migrations are watched. */
export class MonitorSession implements Querying {
  readonly #client: RealClient;
  #isConnected = false;
  #isGone = false;

  /** @param pool Nothing of it is used but its options: none of its clients is taken. */
  constructor(pool: Pool) {
    this.#client = new Client({
      ...toClientConfig(pool),
      connectionTimeoutMillis: longestAnswerMs,
      query_timeout: longestAnswerMs,
    }) as RealClient;
    const onGone = (): void => {
      this.#isGone = true;
    };
    this.#client.on('error', onGone);
    this.#client.on('end', onGone);
  }

  /** Whether the connection can no longer be used. */
  get isGone(): boolean {
    return this.#isGone;
  }

  async connect(): Promise<void> {
    await this.#client.connect();
    this.#isConnected = true;
    const list = Object.entries(settings)
      .map(([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`)
      .join(', ');
    await this.query(`select ${list}`);
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<QueryAnswer<Row>> {
    const request = { text, values: [...values], types: ownTypes };
    return this.#client.query<Row & object>(request);
  }

  /** Closes the connection, whatever it does, and waits for nothing. */
  close(): void {
    this.#isGone = true;
    if (this.#isConnected) {
      this.#client.end().catch(() => undefined);
      this.#client.unref();
    } else {
      destroySocket(this.#client);
    }
  }
}
