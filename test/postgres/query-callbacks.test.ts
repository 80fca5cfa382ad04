import { Query, type Pool, type PoolClient } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MigrationFunction } from '../../src/core/migration-source.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { toMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { runPluginMigrations } from '../../src/postgres/run-plugin-migrations.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { errorOf, migrateOptions, toPlugin } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

/** What a library is given: `query` may have been taken apart from its client. */
type AnyQuery = (...args: readonly unknown[]) => unknown;
type Callback = (error: unknown, result?: { readonly rows: unknown[] }) => void;

beforeAll(() => db.query('create schema plugin_called'));

/** Every pool and client that Slipway hands out. */
const places: Readonly<Record<string, (use: (query: AnyQuery) => Promise<void>) => Promise<void>>> =
  {
    async 'the client of a migration'(use) {
      await runFunction(use);
    },
    async 'the client of a migration without a transaction'(use) {
      await runFunction(use, false);
    },
    async 'a scoped pool'(use) {
      await use(queryOf(createScopedPool(db.pool(), 'plugin_called')));
    },
    async 'a scoped client'(use) {
      await withClient(db.pool(), use);
    },
    async 'the client of runPluginMigrations()'(use) {
      await runPluginMigrations({
        pool: db.pool(),
        migrationsFolder: '',
        migrationsSchema: 'plugin_called',
        createMigrationDb: (client: PoolClient) => client,
        migrate: (client) => use(queryOf(client)),
      });
    },
    ...(pgbouncer && {
      async 'a scoped pool behind a pooler'(use) {
        const bouncer = await startPgBouncer({ mode: 'transaction' });
        const pool = db.pool({ connectionString: bouncer.through(db.url) });
        await use(queryOf(createScopedPool(pool, 'plugin_called')));
      },
      async 'a scoped client behind a pooler'(use) {
        const bouncer = await startPgBouncer({ mode: 'transaction' });
        await withClient(db.pool({ connectionString: bouncer.through(db.url) }), use);
      },
    }),
  };

function queryOf(queryable: Pick<Pool, 'query'>): AnyQuery {
  return (queryable.query as AnyQuery).bind(queryable);
}

async function withClient(pool: Pool, use: (query: AnyQuery) => Promise<void>): Promise<void> {
  const client = await createScopedPool(pool, 'plugin_called').connect();
  try {
    await use(queryOf(client));
  } finally {
    client.release();
  }
}

let functions = 0;

/** A migration fails when a query of it does: that is what its error says, and not that it never ends. */
async function runFunction(use: (query: AnyQuery) => Promise<void>, transaction?: false) {
  functions += 1;
  const used: { error?: unknown } = {};
  const id = `called-${functions}`;
  const run: MigrationFunction['run'] = async ({ query }) => {
    await use(query as AnyQuery).catch((error: unknown) => (used.error = error));
  };
  const files = toMigrations([{ name: 'a', run, ...(transaction === false && { transaction }) }]);
  const plugin = toPlugin(id, files);
  await migratePlugin(db.pool(), plugin, migrateOptions()).catch(() => undefined);
  if (used.error !== undefined) throw used.error as Error;
}

/** Every way to give pg a callback. */
const forms: Readonly<
  Record<string, (text: string, value: number, callback: Callback) => unknown[]>
> = {
  'text, callback': (text, value, callback) => [text.replace('$1', `${value}`), callback],
  'text, values, callback': (text, value, callback) => [text, [value], callback],
  'text, undefined, callback': (text, value, callback) => [
    text.replace('$1', `${value}`),
    undefined,
    callback,
  ],
  'text, callback, undefined': (text, value, callback) => [
    text.replace('$1', `${value}`),
    callback,
    undefined,
  ],
  'config, callback': (text, value, callback) => [{ text, values: [value] }, callback],
  'config, values, callback': (text, value, callback) => [{ text }, [value], callback],
  'config with its callback': (text, value, callback) => [{ text, values: [value], callback }],
  'config of a class': (text, value, callback) => [new Statement(text, [value]), callback],
  'named config, callback': (text, value, callback) => [
    { name: text.slice(0, 20), text, values: [value] },
    callback,
  ],
};

/** As sql-template-strings has it: the text is a getter. */
class Statement {
  readonly strings: readonly string[];
  readonly values: unknown[];

  constructor(text: string, values: unknown[]) {
    this.strings = [text];
    this.values = values;
  }

  get text(): string {
    return this.strings.join('');
  }
}

/** What the callback gets; a call that answers with a promise too would be two answers. */
function called(
  query: AnyQuery,
  argsFor: (callback: Callback) => readonly unknown[],
): Promise<unknown> {
  return new Promise((resolve) => {
    const returned = query(
      ...argsFor((error, result) => resolve(error ? { error } : { rows: result?.rows })),
    );
    if (returned instanceof Promise) resolve({ error: new Error('answered with a promise') });
  });
}

describe.each(Object.entries(places))('%s', (_, at) => {
  test.each(Object.entries(forms))('answers a callback: %s', async (__, form) => {
    await at(async (query) => {
      const good = await called(query, (callback) => form('select $1::int as n', 7, callback));
      expect(good).toEqual({ rows: [{ n: 7 }] });
      const bad = await called(query, (callback) => form('select 1 / $1::int', 0, callback));
      expect(bad).toEqual({ error: expect.objectContaining({ code: '22012' }) as unknown });
    });
  });

  test('answers a query object with a callback, if only that it is refused', async () => {
    await at(async (query) => {
      // pg's own pool never answers such a call.
      const answer = await called(query, (callback) => [new Query('select 7 as n', callback)]);
      const refused = { error: expect.objectContaining({ name: 'TypeError' }) as unknown };
      expect([{ rows: [{ n: 7 }] }, refused]).toContainEqual(answer);
    });
  });
});

test('a callback that throws is no failure of its query', async () => {
  const pool = createScopedPool(db.pool(), 'plugin_called');
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
  let calls = 0;
  pool.query('select 1', () => {
    calls += 1;
    throw new Error('of the callback');
  });
  const error = await uncaught;
  for (const listener of before) process.on('uncaughtException', listener);
  expect(String(error)).toContain('of the callback');
  expect(calls).toBe(1);
});

test('connect() and end() of a scoped pool answer callbacks, and tell them what failed', async () => {
  const pool = createScopedPool(db.pool(), 'plugin_called');
  await new Promise<void>((resolve) => pool.end(resolve));
  const nowhere = createScopedPool(
    db.pool({ connectionString: 'postgres://127.0.0.1:1/nowhere' }),
    'plugin_called',
  );
  const failed = await new Promise((resolve) => nowhere.connect((error) => resolve(error)));
  expect(failed).toBeInstanceOf(Error);
  const query = await new Promise((resolve) =>
    nowhere.query('select 1', (error) => resolve(error)),
  );
  expect(query).toBeInstanceOf(Error);
  expect(await errorOf(nowhere.query('select 1'))).toBeInstanceOf(Error);
});
