import { group, text } from '../../core/expect.ts';
import { defaultSchemaPrefix } from '../../core/schema-name.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { findFleet, type Fleet } from '../../postgres/doctor/fleet.ts';
import { askOnce } from './with-client-once.ts';

/** The options of {@link readFleet}. */
export interface FleetOptions {
  /**
   * The option `migrations.schemaPrefix` of the boots, for locks of schemas that are not made yet.
   *
   * @default 'plugin_'
   */
  readonly schemaPrefix?: string;
}

const check = group({ schemaPrefix: [text(/./s, 'a text'), defaultSchemaPrefix] });

/**
 * Reads the sessions of Slipway in a database, as PostgreSQL sees them: which host migrates which plugin, who holds which
 * migration lock, and who waits for whom. Reads only, in one statement. A process that waits for a lock holds no session
 * between two attempts, so it is not seen.
 *
 * @param pool As in `createBoot()`: a `pg.Pool`, a connection string or a config.
 * @throws BootError `OPTIONS_INVALID` or `DATABASE_UNREACHABLE`
 * @example
 * const { hosts } = await readFleet('postgres://localhost/shop');
 * for (const { host, sessions } of hosts) console.log(host, sessions.map(({ plugin }) => plugin));
 */
export async function readFleet(pool: DatabaseSource, options: FleetOptions = {}): Promise<Fleet> {
  const { schemaPrefix } = check(options, 'readFleet');
  return askOnce(pool, (client) => findFleet(client, schemaPrefix));
}
