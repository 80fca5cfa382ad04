import type { Migration } from 'kysely';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { numbers } from '../shapes.ts';
import { idOf, schemaOf, type Boot, type Contender, type MigrationOrder } from './order.ts';
import { generatePlugins } from './plugins.ts';

/**
 * Each of them migrates the same files. The plugins come sorted, and `init` does nothing, so that no other contender has to
 * care for either.
 */
export const migrators = {
  /** As a host does it: every default, and a listener that gets the progress of every statement. */
  slipway: async () => {
    const [{ createBoot, serviceRef }, { Pool }] = await Promise.all([
      import('slipway'),
      import('pg'),
    ]);
    return withMigrations(async ({ url, root, record }, count) => {
      const plugins = generatePlugins(serviceRef, count, 'layers', (id) => join(root, id));
      const pool = new Pool({ connectionString: url });
      const boot = createBoot({ pool, plugins, ...(record !== undefined && { record }) });
      let events = 0;
      boot.onAny(() => {
        events += 1;
      });
      const { outcome } = await boot.start();
      if (outcome !== 'ready' || events === 0) throw new Error(`The boot is ${outcome}`);
      return async () => {
        await boot.stop();
        await pool.end();
      };
    });
  },

  /** As Checkstack's backend 0.13 does it. */
  drizzle: async () => {
    const migratePinned = await importDrizzle();
    const { Pool } = await import('pg');
    return withMigrations(async (order, count) => {
      const pool = new Pool({ connectionString: order.url });
      for (let plugin = 0; plugin < count; plugin += 1) await migratePinned(pool, order, plugin);
      return () => pool.end();
    });
  },

  /** On as many clients as a pool of pg has by default, which is 10. */
  drizzleAtOnce: async () => {
    const migratePinned = await importDrizzle();
    const { Pool } = await import('pg');
    return withMigrations(async (order, count) => {
      const pool = new Pool({ connectionString: order.url });
      await Promise.all(numbers(count).map((plugin) => migratePinned(pool, order, plugin)));
      return () => pool.end();
    });
  },

  /** A Migrator for each schema, one after another. A file is one message with its path, as Kysely sets none. */
  kysely: async () => {
    const [{ Kysely, Migrator, PostgresDialect, sql }, { Pool }] = await Promise.all([
      import('kysely'),
      import('pg'),
    ]);
    return withMigrations(async ({ url, root }, count) => {
      const pool = new Pool({ connectionString: url });
      const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      for (let plugin = 0; plugin < count; plugin += 1) {
        const schema = schemaOf(plugin);
        const getMigrations = async (): Promise<Record<string, Migration>> => {
          const files = await readFiles(join(root, idOf(plugin)));
          const migrations = files.map(({ name, text }) => {
            const up: Migration['up'] = async (transaction) => {
              await sql.raw(`SET LOCAL search_path = "${schema}";\n${text}`).execute(transaction);
            };
            return [name, { up }] as const;
          });
          return Object.fromEntries(migrations);
        };
        const provider = { getMigrations };
        const migrator = new Migrator({ db, provider, migrationTableSchema: schema });
        const { error } = await migrator.migrateToLatest();
        if (error !== undefined) throw error;
      }
      return () => db.destroy();
    });
  },

  /** A run for each plugin, one after another, on one client that stays connected. */
  nodePgMigrate: async () => {
    const [{ runner }, { Client }] = await Promise.all([import('node-pg-migrate'), import('pg')]);
    return withMigrations(async ({ url, root }, count) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      for (let plugin = 0; plugin < count; plugin += 1) {
        await runner({
          dbClient: client,
          dir: join(root, idOf(plugin)),
          direction: 'up',
          migrationsTable: 'pgmigrations',
          schema: schemaOf(plugin),
          createSchema: true,
          singleTransaction: true,
          log: () => undefined,
        });
      }
      return () => client.end();
    });
  },

  sqlOn1: async () => sendOn(1),
  sqlOn4: async () => sendOn(4),
} satisfies Readonly<Record<string, Contender>>;

export type MigratorName = keyof typeof migrators;

/** Hands on the part of the order that is about migrations. */
function withMigrations(
  migrate: (order: MigrationOrder, plugins: number) => Promise<() => unknown>,
): Boot {
  return async ({ migrations, plugins }) => {
    if (!migrations) throw new Error('A migrator needs migrations');
    return migrate(migrations, plugins);
  };
}

/** Drizzle's `migrate()` on a client whose path is the plugin's schema. */
async function importDrizzle(): Promise<
  (pool: Pool, order: MigrationOrder, plugin: number) => Promise<void>
> {
  const [{ drizzle }, { migrate }] = await Promise.all([
    import('drizzle-orm/node-postgres'),
    import('drizzle-orm/node-postgres/migrator'),
  ]);
  return async (pool, { root }, plugin) => {
    const migrationsSchema = schemaOf(plugin);
    const client = await pool.connect();
    try {
      await client.query(`CREATE SCHEMA IF NOT EXISTS "${migrationsSchema}"`);
      await client.query(`SET search_path = "${migrationsSchema}"`);
      const migrationsFolder = join(root, idOf(plugin));
      await migrate(drizzle({ client }), { migrationsFolder, migrationsSchema });
    } finally {
      await client.query('SET search_path = public');
      client.release();
    }
  };
}

/** The limit: what is pending and nothing else. A plugin is one message, and so one transaction. */
async function sendOn(connections: number): Promise<Boot> {
  const { Pool } = await import('pg');
  return withMigrations(async ({ url, root, pending }, count) => {
    const pool = new Pool({ connectionString: url, max: connections });
    const left = [...numbers(pending === 'everything' ? count : 1)];
    const send = async (client: PoolClient): Promise<void> => {
      for (let plugin = left.shift(); plugin !== undefined; plugin = left.shift()) {
        const schema = schemaOf(plugin);
        const texts = (await readFiles(join(root, idOf(plugin)))).map(({ text }) => text);
        const path = `SET LOCAL search_path = "${schema}"`;
        const message =
          pending === 'everything'
            ? [`CREATE SCHEMA "${schema}"`, path, ...texts]
            : [path, ...texts.slice(-1)];
        await client.query(message.join(';\n'));
      }
    };
    if (pending === 'nothing') {
      await pool.query('SELECT 1');
    } else {
      const clients = numbers(connections).map(async () => {
        const client = await pool.connect();
        await send(client);
        client.release();
      });
      await Promise.all(clients);
    }
    return () => pool.end();
  });
}

async function readFiles(
  folder: string,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).toSorted();
  return Promise.all(
    names.map(async (name) => {
      return { name: name.slice(0, -4), text: await readFile(join(folder, name), 'utf8') };
    }),
  );
}
