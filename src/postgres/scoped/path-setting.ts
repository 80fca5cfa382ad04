import type { PoolClient } from 'pg';
import { serialize, type WireConnection } from '../connection/wire.ts';
import type { PluginScope } from './plugin-scope.ts';

const settings = [
  "pg_catalog.set_config('search_path', $1, true)",
  "pg_catalog.set_config('application_name', $2, true)",
];
/** Returns no row, so none has to be sent. */
const setPath = `select where ${settings.map((setting) => `${setting} is null`).join(' or ')}`;
/** The first setting on a connection: the pid shows whether a pooler is in between. */
const setPathAndAsk = `select pg_catalog.pg_backend_pid(), ${settings.join(', ')}`;
const preparedName = 'slipway_search_path';

/** Errors about the name of a prepared statement: the server does not know it, or knows it already. */
const alreadyKnown = '42P05';
const nameErrors: ReadonlySet<unknown> = new Set(['26000', alreadyKnown]);

/** Whether a pooler may hand the session of a client on between two transactions. Unknown clients are left out. */
const pooled = new WeakMap<PoolClient, boolean>();

/** Whether a pooler is in between; `undefined` until an answer has shown it. */
export function isBehindPooler(client: PoolClient): boolean | undefined {
  return pooled.get(client);
}

/** Learns from the pid of the backend that has answered whether a pooler is in between: a pooler announces a pid of its own. */
export function learnBackend(client: PoolClient, pid: number | undefined): void {
  const { processID } = client as { readonly processID?: number | null };
  pooled.set(client, processID != null && processID !== pid);
}

/**
 * Sets the `search_path` for the transaction of the statement that is sent with it.
 *
 * The setting is prepared once on a connection, which saves most of its price. Behind a pooler it is not, because the next
 * transaction may have another backend.
 */
export class PathSetting {
  readonly #client: PoolClient;
  readonly #scope: PluginScope;
  readonly #text: string;
  readonly #name: string;

  /** @param mayPrepare Whether the statement can be sent again when its prepared setting has been lost. */
  constructor(client: PoolClient, scope: PluginScope, mayPrepare: boolean) {
    this.#client = client;
    this.#scope = scope;
    const isPooled = pooled.get(client);
    this.#text = isPooled === undefined ? setPathAndAsk : setPath;
    this.#name = isPooled === false && mayPrepare ? preparedName : '';
  }

  write(connection: WireConnection): void {
    const statement = this.#name;
    const isPrepared = statement !== '' && connection.parsedStatements[statement] === this.#text;
    if (!isPrepared) connection.parse({ name: statement, text: this.#text });
    connection.stream.write(runSetting(connection, this.#scope, statement));
  }

  /** Reads the pid, which only the first setting of a connection returns. */
  readRow(fields: readonly (string | null)[]): void {
    const [pid] = fields;
    if (pid != null) learnBackend(this.#client, Number(pid));
  }

  /** Called when the setting has run: its name can be used from now on. */
  complete(connection: WireConnection): void {
    if (this.#name !== '') connection.parsedStatements[this.#name] = this.#text;
  }

  /**
   * Called when the setting has failed; nothing behind it has run. Returns whether the only reason is its name: another user of
   * the connection may have sent `DEALLOCATE ALL`.
   */
  fail(connection: WireConnection, code: unknown): boolean {
    if (this.#name === '' || !nameErrors.has(code)) return false;
    if (code === alreadyKnown) connection.parsedStatements[this.#name] = this.#text;
    else delete connection.parsedStatements[this.#name];
    return true;
  }
}

/** By scope and by name of the statement. They are the same for every query, so they are made once. */
const runs = new WeakMap<PluginScope, Map<string, Buffer>>();

/** Returns the messages that run the setting. */
function runSetting(connection: WireConnection, scope: PluginScope, statement: string): Buffer {
  const byStatement = runs.get(scope) ?? new Map<string, Buffer>();
  runs.set(scope, byStatement);
  const known = byStatement.get(statement);
  if (known) return known;
  const made = serialize(connection, () => {
    connection.bind({ statement, values: [scope.path, scope.schema] });
    connection.execute({});
  });
  byStatement.set(statement, made);
  return made;
}
