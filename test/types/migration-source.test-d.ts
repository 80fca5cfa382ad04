import { PostgresDialect } from 'kysely';
import type { QueryResult } from 'pg';
import { expectTypeOf } from 'vitest';
import {
  createBoot,
  definePlugin,
  sqlFiles,
  type MigrationClient,
  type MigrationFunction,
} from '../../src/index.ts';

const listed = definePlugin({
  id: 'listed',
  migrations: [
    {
      name: 'init',
      async run(client, { signal, schema }) {
        expectTypeOf(client).toEqualTypeOf<MigrationClient>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(schema).toEqualTypeOf<string>();
        const counted = client.query<{ count: number }>('select 1 as count where $1', [true]);
        expectTypeOf(await counted).toEqualTypeOf<QueryResult<{ count: number }>>();
      },
    },
    { name: 'alone', transaction: false, run: () => undefined },
  ],
});

const files = definePlugin({ id: 'files', migrations: sqlFiles('/srv/sql') });

/** One list, with every kind of source in it. */
export const mixed = definePlugin({
  id: 'mixed',
  migrations: [
    new URL('./drizzle', import.meta.url),
    '/srv/more',
    sqlFiles('/srv/views', { repeatable: true }),
    { name: 'one', run: (client) => client.query('select 1') },
    [{ name: 'two', run: (client, { schema }) => client.query(`select '${schema}'`) }],
  ],
});

createBoot({ pool: '', plugins: [listed, files], host: { migrations: sqlFiles('/srv/host') } });

/** A migration's client goes into Kysely as it is. */
export const dialect = (client: MigrationClient): PostgresDialect =>
  new PostgresDialect({ pool: { connect: async () => client, end: async () => undefined } });

// @ts-expect-error A transaction is what there is unless told.
export const told: MigrationFunction = { name: 'a', run: () => undefined, transaction: true };

// @ts-expect-error Somebody has to do it.
export const empty: MigrationFunction = { name: 'a' };
