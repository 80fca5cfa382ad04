import { Client, Pool, type ClientBase, type ClientConfig, type PoolConfig } from 'pg';

/** A pool that Slipway has made. */
interface OwnPool {
  readonly pool: Pool;
  /** Ends the pool. Nothing waits for a server that has accepted a connection and does not answer. */
  readonly end: () => Promise<void>;
  /** Breaks every connection, also of clients that are checked out. */
  readonly cut: () => void;
}

/**
 * Makes a pool that knows every client it has made: pg-pool forgets those that fail to connect, and waits at its end for
 * those that still try.
 */
export function createOwnPool(config: PoolConfig): OwnPool {
  const made = new Set<KnownClient>();
  class PoolsClient extends KnownClient {
    constructor(given?: ClientConfig) {
      super(given);
      made.add(this);
      this.once('end', () => made.delete(this));
    }
  }
  const pool = new Pool({ ...config, Client: PoolsClient });
  // It stays for good: `end()` resolves before the sockets are closed, and each of them may still break.
  pool.on('error', ignore);
  return {
    pool,
    async end() {
      const ended = pool.end();
      for (const client of made) if (client.isConnecting) destroySocket(client);
      await ended;
      // A server that does not hear the goodbye keeps no process alive.
      for (const client of made) client.unref();
    },
    cut() {
      for (const client of made) destroySocket(client);
    },
  };
}

/** A client that lets go of its socket when it cannot connect. pg leaves that to the server, which takes a minute. */
class KnownClient extends Client {
  isConnecting = false;
  #failure: Error | undefined;
  /** pg has this, and leaves it out of its types. */
  declare readonly unref: () => void;

  constructor(config?: ClientConfig) {
    super(config);
    // pg emits some failures to connect without rejecting connect(). No other listener is there while a connection is cut.
    this.on('error', (error) => {
      if (!this.isConnecting) return;
      this.#failure = error;
      destroySocket(this);
    });
  }

  override connect(): Promise<this>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<this> | undefined {
    if (!callback) return super.connect() as Promise<this>;
    this.isConnecting = true;
    super.connect((error: Error) => {
      this.isConnecting = false;
      if (error) destroySocket(this);
      callback(this.#failure ?? error);
    });
    return undefined;
  }
}

/** Closes the socket of a client at once, whatever it waits for. */
export function destroySocket(client: ClientBase): void {
  const { connection } = client as unknown as {
    readonly connection?: { readonly stream?: { destroy(): void } };
  };
  connection?.stream?.destroy();
}

const ignore = (): void => {};
