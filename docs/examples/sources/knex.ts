import { readdirSync } from 'node:fs';
import knex, { type Knex } from 'knex';
import { definePlugin, type MigrationClient, type MigrationFunction } from 'slipway';

/** What the files of `knex migrate:make` export. `down` is never called. */
interface KnexMigration {
  readonly up: (knex: Knex) => Promise<unknown>;
  readonly config?: { readonly transaction?: boolean };
}

const folder = new URL('./knex-migrations/', import.meta.url);

/** Knex on the one client of a migration: it has no pool, takes this client for each query, and never gives it back. */
export function knexOn(client: MigrationClient): Knex {
  const db = knex({ client: 'pg' });
  Object.assign(db.client, {
    acquireConnection: async () => client,
    releaseConnection: async () => undefined,
  });
  return db;
}

/** The name without its ending: `knex_migrations` has the ending too, and a build may change it from `.ts` to `.js`. */
export function toName(file: string): string {
  return file.replace(/\.\w+$/, '');
}

async function readMigration(file: string): Promise<MigrationFunction> {
  const { up, config } = (await import(new URL(file, folder).href)) as KnexMigration;
  return {
    name: toName(file),
    run: (client) => up(knexOn(client)),
    ...(config?.transaction === false && { transaction: false }),
  };
}

export const orders = definePlugin({
  id: 'orders',
  migrations: await Promise.all(readdirSync(folder).toSorted().map(readMigration)),
});
