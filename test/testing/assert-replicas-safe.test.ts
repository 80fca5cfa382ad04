import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { coreServices, definePlugin, type MigrationFunction, type Plugin } from 'slipway';
import { assertReplicasSafe, type ReplicasOptions } from 'slipway/testing';
import { describe, expect, inject, it } from 'vitest';
import { migrationFolder } from '../support/migration-folder.ts';

const server = inject('postgresUrl');

/** A table of two items, an index that is built without a transaction, and one more column. */
const files = {
  '0000_items':
    'CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL, token uuid DEFAULT gen_random_uuid());\n--> statement-breakpoint\n' +
    "INSERT INTO items (name) VALUES ('anvil'), ('bellows');\n--> statement-breakpoint\n" +
    'CREATE TABLE parts (item integer REFERENCES items (id));\n--> statement-breakpoint\nINSERT INTO parts SELECT id FROM items;',
  '0001_index': 'CREATE INDEX CONCURRENTLY items_name ON items (name);',
  '0002_key': "INSERT INTO items (name) VALUES ('hammer'); CREATE UNIQUE INDEX ON items (name);",
};

type Init = (database: pg.Pool) => Promise<unknown>;

async function catalog(init: Init): Promise<Plugin> {
  return definePlugin({
    id: 'catalog',
    migrations: await migrationFolder(files),
    init: async ({ database }) => {
      await init(database);
    },
  });
}

/** Asserts, which has to fail, and returns what it says. */
async function complaint(plugin: Plugin, options: ReplicasOptions = {}): Promise<string> {
  const error: unknown = await assertReplicasSafe({ plugins: [plugin], server, ...options }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION' });
  return (error as Error).message;
}

const insertOnce: Init = (database) =>
  database.query("INSERT INTO items (name) VALUES ('tongs') ON CONFLICT DO NOTHING");

describe('replicas that are safe', () => {
  it('pass, with a kill in each file, between files, and in init', async () => {
    const { rounds, leftOut } = await assertReplicasSafe({
      plugins: [await catalog(insertOnce)],
      server,
    });
    // One statement of a file in a transaction is chosen, whichever.
    const places = rounds.map((round) =>
      round
        .replace(/^.*one was killed /, '')
        .replace(/statement \d of (000[02])/, 'a statement of $1'),
    );
    expect(new Set(places)).toEqual(
      new Set([
        '3 replicas booted at once',
        'after a statement of 0000_items.sql of catalog',
        'between 0000_items.sql of catalog and the next file',
        'after statement 1 of 0001_index.sql of catalog',
        'between 0001_index.sql of catalog and the next file',
        'after a statement of 0002_key.sql of catalog',
        'after statement 1 of init of catalog',
      ]),
    );
    expect(Object.fromEntries(leftOut)).toEqual({
      'catalog.__drizzle_migrations.id': 'numbered by PostgreSQL',
      'catalog.items.id': 'numbered by PostgreSQL',
      'catalog.items.token': 'differs between two single boots',
      'catalog.parts.item': 'refers to a column that is left out',
    });
  });

  it('pass with tables made under the advisory lock, and with a row for each replica where that is meant', async () => {
    const workers = definePlugin({
      id: 'workers',
      migrations: [
        { name: 'first', run: (client) => client.query('CREATE TABLE workers (id uuid)') },
      ],
      deps: { locks: coreServices.advisoryLock },
      init: async ({ locks, database }) => {
        await locks.withLock('tables', async () => {
          await database.query('CREATE TABLE IF NOT EXISTS jobs (id integer PRIMARY KEY)');
        });
        await database.query('INSERT INTO workers VALUES ($1)', [randomUUID()]);
      },
    });
    const options = { plugins: [workers], server, kills: 1, mayDiffer: ['workers.workers'] };
    await expect(assertReplicasSafe(options)).resolves.toMatchObject({ rounds: { length: 2 } });
  });

  it('pass as a list, on a server that is started for them', async () => {
    const { rounds } = await assertReplicasSafe([definePlugin({ id: 'plain' })]);
    expect(rounds).toEqual([
      '3 replicas booted at once',
      '3 replicas booted at once, and one was killed when init of plain began',
    ]);
  });
});

describe('what a plugin does wrong', () => {
  it('init inserts rows in every replica', async () => {
    const workers = definePlugin({
      id: 'workers',
      migrations: [
        { name: 'first', run: (client) => client.query('CREATE TABLE jobs (name text)') },
      ],
      init: async ({ database }) => {
        await database.query("INSERT INTO jobs VALUES ('clean'), ('count')");
      },
    });
    const message = await complaint(workers);
    expect(message).toContain(
      '3 replicas booted at once\n\n  workers.jobs: 6 rows, a single boot leaves 2',
    );
    expect(message).toContain('too many: {"name":"clean"}');
    expect(message).toContain('Every replica writes these rows in init or ready');
    expect(message).toContain('randomSeed 1, round 1 of');
  });

  it('init looks first, and then inserts', async () => {
    const message = await complaint(
      await catalog(async (database) => {
        const { rowCount } = await database.query('SELECT FROM parts WHERE item IS NULL');
        if (rowCount === 0) await database.query('INSERT INTO parts VALUES (NULL)');
      }),
    );
    expect(message).toMatch(/catalog\.parts: [45] rows, a single boot leaves 3/);
  });

  it('init takes the half that a killed one has left for the whole', async () => {
    const message = await complaint(
      await catalog(async (database) => {
        const { rowCount } = (await insertOnce(database)) as pg.QueryResult;
        if (rowCount === 1) await database.query("INSERT INTO items (name) VALUES ('vice')");
      }),
    );
    expect(message).toContain('one was killed after statement 1 of init of catalog');
    expect(message).toContain(
      'catalog.items: 4 rows, a single boot leaves 5\n    missing: {"name":"vice"}',
    );
    expect(message).toContain('init of catalog was killed half-way');
  });

  it('init creates a table without a lock', async () => {
    const message = await complaint(
      await catalog((database) => database.query('CREATE TABLE IF NOT EXISTS jobs (id integer)')),
      { kills: 0 },
    );
    expect(message).toMatch(
      /replicas? .* do(?:es)? not come up:\n\s+INIT_FAILED: catalog failed to start/,
    );
    expect(message).toContain('run it with runOnce() of coreServices.advisoryLock');
  });

  it('init creates something else in each replica', async () => {
    const message = await complaint(
      await catalog((database) => database.query(`CREATE TABLE "jobs ${randomUUID()}" ()`)),
      { kills: 0 },
    );
    expect(message).toMatch(
      /table catalog\.jobs [-0-9a-f]+: there here, missing after a single boot/,
    );
    expect(message).toContain('What init creates depends on who comes first');
  });

  it('a lock that is a row stays when its replica is killed', async () => {
    const message = await complaint(
      await catalog(async (database) => {
        const client = await database.connect();
        try {
          await client.query('SELECT pg_advisory_lock(1)');
          await client.query("INSERT INTO items (name) VALUES ('busy')");
          await client.query("DELETE FROM items WHERE name = 'busy'");
          await client.query('SELECT pg_advisory_unlock(1)');
        } finally {
          client.release(true);
        }
      }),
    );
    expect(message).toContain('one was killed after statement 2 of init of catalog');
    expect(message).toContain('replicas');
    expect(message).toContain('duplicate key');
    expect(message).toContain('run its statements in one transaction');
  });

  it('a function without a transaction does the first half twice', async () => {
    const run: MigrationFunction['run'] = async (client) => {
      await client.query('CREATE TABLE IF NOT EXISTS notes (text text)');
      await client.query("INSERT INTO notes VALUES ('welcome')");
    };
    const notes = definePlugin({
      id: 'notes',
      migrations: [{ name: 'one', run, transaction: false }],
    });
    const message = await complaint(notes);
    expect(message).toContain('killed after statement 2 of one of notes');
    expect(message).toContain('notes.notes: 2 rows, a single boot leaves 1');
    expect(message).toContain('Or leave out transaction: false.');
  });

  it('a function does something outside of its transaction', async () => {
    const insertOutside = async (name: string): Promise<void> => {
      const url = new URL(server);
      url.pathname = `/${name}`;
      const other = new pg.Client({ connectionString: url.href });
      await other.connect();
      await other.query("INSERT INTO plugin_notes.notes VALUES ('outside')");
      await other.end();
    };
    const notes = definePlugin({
      id: 'notes',
      migrations: [
        { name: 'one', run: (client) => client.query('CREATE TABLE notes (text text)') },
        {
          name: 'two',
          run: async (client) => {
            const { rows } = await client.query<{ name: string }>(
              'SELECT current_database() AS name',
            );
            await insertOutside(rows[0]?.name ?? '');
            await client.query('SELECT 1');
          },
        },
      ],
    });
    const message = await complaint(notes);
    expect(message).toMatch(/killed after statement \d of two of notes/);
    expect(message).toContain('notes.notes: 2 rows, a single boot leaves 1');
    expect(message).toContain('use only the client that it gets');
  });

  it('a file without a transaction cannot run again', async () => {
    const migrations = await migrationFolder({
      '0000_notes': `-- slipway: no-transaction
        DO $$ BEGIN EXECUTE 'CREATE TABLE notes (text text)'; END $$;`,
    });
    const message = await complaint(definePlugin({ id: 'notes', migrations }));
    expect(message).toContain('killed after statement 1 of 0000_notes.sql of notes');
    expect(message).toMatch(/replicas \d, \d and 4 do not come up/);
    expect(message).toContain('relation "notes" already exists');
    expect(message).toContain('IF NOT EXISTS');
  });

  it('a replica that does not come up in time', async () => {
    let inits = 0;
    const slow = definePlugin({
      id: 'slow',
      init: async ({ signal }) => {
        inits += 1;
        // The two single boots come up.
        if (inits > 2) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
    const message = await complaint(slow, { timeout: '500ms', kills: 0 });
    expect(message).toContain('replicas 1, 2 and 3 do not come up');
    expect(message).toContain('not up after 500 ms');
  });

  it('a single boot fails', async () => {
    const broken = definePlugin({
      id: 'broken',
      init: () => {
        throw new Error('no key');
      },
    });
    expect(await complaint(broken)).toContain(
      'a single boot does not come up\n\nINIT_FAILED: broken',
    );
  });
});

describe('options', () => {
  it('are checked', async () => {
    await expect(assertReplicasSafe({ plugins: [], server, replicas: 1 })).rejects.toThrow(
      'Expected assertReplicasSafe.replicas to be an integer from 2 to 16, got 1',
    );
    await expect(assertReplicasSafe({ server })).rejects.toThrow('either plugins or modules');
  });
});
