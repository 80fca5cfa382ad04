import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool, type PoolConfig } from 'pg';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { BootError, createBoot, createRepair, createScopedPool } from '../../src/index.ts';
import { runPluginMigrations } from '../../src/checkstack.ts';

const secret = 'topsecret';
const url = `postgres://shop:${secret}@127.0.0.1:5432/shop`;

afterEach(() => vi.unstubAllEnvs());

function withoutPgVariables(): void {
  for (const name of ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER']) {
    vi.stubEnv(name, undefined);
  }
}

function makePool(): void {}

/** What is wrong with a pool, and what to do: the end of the message, and the hint. */
function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof BootError) || error.code !== 'OPTIONS_INVALID') throw error;
    return `${error.message.split(', got ')[1] ?? error.message} → ${error.hint}`;
  }
  return 'it is taken';
}
const refusal = (pool: unknown): string => refusalOf(() => createBoot({ pool: pool as Pool }));

const set = 'Check that the variable that it comes from is set.';
const write = 'Write postgres://user:password@host:5432/database';
const onPg = 'Slipway works on pg: give the connection string.';

describe('what is no pool is refused, with what it looks like and what to give', () => {
  const pool = new Pool({ connectionString: url });
  const wrongs: readonly (readonly [wrong: unknown, expected: string])[] = [
    [drizzle({ client: pool }), 'what looks like a Drizzle database → Give its pool: db.$client.'],
    [{ $client: {} }, 'what looks like a Drizzle database on another driver → Give a pg.Pool.'],
    [Promise.resolve(pool), 'what looks like a promise → Await it first.'],
    [new URL(url), 'a URL → Give its text: url.href.'],
    [
      new Client({ connectionString: url }),
      'what looks like a single client → Give a pg.Pool, or the config that the client was made of.',
    ],
    [
      new Kysely({ dialect: new PostgresDialect({ pool }) }),
      'what looks like a Kysely instance → Give the pg.Pool that its dialect has.',
    ],
    [{ $queryRaw: () => 1 }, `what looks like a Prisma client → ${onPg}`],
    [
      Object.assign(() => 1, { unsafe: () => 1, begin: () => 1 }),
      `what looks like a client of postgres.js → ${onPg}`,
    ],
    [makePool, 'function makePool → Call it, and give what it returns.'],
    [{ query: () => 1 }, 'an object with query → Give one of these.'],
    [[], 'an array of 0 → Give one of these.'],
    [5, '5 → Give one of these.'],
    [null, 'null → Give one of these.'],
    ['', `an empty string → ${set}`],
    ['shop', `a string without a scheme → ${write}.`],
    ['localhost:5432/shop', `a string without a scheme → ${write}.`],
    ['mysql://u:topsecret@h/d', `a URL of mysql → ${write}: Slipway works on PostgreSQL.`],
    ['http://h/d', `a URL of http → ${write}: Slipway works on PostgreSQL.`],
    [
      'host=h password=topsecret',
      `a string in libpq's form key=value, which pg does not read → ${write}.`,
    ],
    [
      'postgres://u:topsecret@h:port/d',
      `a connection string that pg cannot read: Invalid URL → ${write}; in user and password, characters such as @ : / ? # % are percent-encoded (encodeURIComponent).`,
    ],
    [{ url }, 'a config with the key url, which pg does not read → Call it connectionString.'],
    [
      { host: 'h', username: 'u' },
      'a config with the key username, which pg does not read → Call it user.',
    ],
    [{ connectionString: undefined }, `a config whose connectionString is undefined → ${set}`],
    [
      { connectionString: 'mysql://u:topsecret@h/d' },
      `a config whose connectionString is a URL of mysql → ${write}: Slipway works on PostgreSQL.`,
    ],
    [
      { dsn: url, max: 5 },
      'a config that names no server: an object with dsn, max → Give connectionString, or host and database; or set PGHOST and PGDATABASE, from which pg takes what a config leaves out.',
    ],
    [
      {},
      'a config that names no server: an object with no keys → Give connectionString, or host and database; or set PGHOST and PGDATABASE, from which pg takes what a config leaves out.',
    ],
  ];
  test.each(wrongs.map(([wrong, expected]) => [expected, wrong] as const))(
    '%s',
    (expected, wrong) => {
      withoutPgVariables();
      expect(refusal(wrong)).toBe(expected);
      expect(expected).not.toContain(secret);
    },
  );
});

test('every form that pg itself takes is taken', () => {
  withoutPgVariables();
  class Settings {
    readonly host = 'db';
  }
  const forms: readonly (Pool | string | PoolConfig)[] = [
    url,
    'postgresql:///shop?host=/var/run/postgresql',
    '/var/run/postgresql shop',
    'socket:/var/run/postgresql?db=shop',
    { connectionString: url, max: 3 },
    { host: 'db', connectionString: undefined },
    new Settings(),
    new Pool({ connectionString: url }),
  ];
  for (const form of forms) expect(refusal(form)).toBe('it is taken');
  vi.stubEnv('PGHOST', 'db');
  expect(refusal({})).toBe('it is taken');
  expect(refusal({ max: 3 })).toBe('it is taken');
});

test('the other doors refuse it too', async () => {
  const db = drizzle({ client: new Pool({ connectionString: url }) }) as unknown as Pool;
  const drizzles = 'what looks like a Drizzle database → Give its pool: db.$client.';
  const good = { pool: url };
  expect(refusalOf(() => createBoot({ ...good, migrationPool: db }))).toBe(drizzles);
  expect(refusalOf(() => createRepair({ pool: db }))).toBe(drizzles);
  expect(refusalOf(() => createScopedPool(db, 'plugin_a'))).toBe(drizzles);
  const swapped = ['plugin_a', new Pool({ connectionString: url })] as unknown as [Pool, string];
  expect(refusalOf(() => createScopedPool(...swapped))).toBe('a string → Give a pg.Pool.');
  expect(refusalOf(() => createScopedPool(url as unknown as Pool, 'plugin_a'))).toBe(
    'a string → Give a pg.Pool.',
  );
  const options = { pool: db, migrationsFolder: '/m', migrationsSchema: 'plugin_a' };
  await expect(runPluginMigrations(options)).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
});

describe('a pool of a pg that is too old for the scoped database is refused at the door', () => {
  /** As clients were before pg 8.21. */
  class OldClient extends Client {}
  Object.defineProperty(OldClient.prototype, 'getTransactionStatus', { value: undefined });

  test.each(['createBoot', 'createScopedPool'] as const)('by %s', (door) => {
    const pool = new Pool({ connectionString: url, Client: OldClient });
    const enter = {
      createBoot: () => createBoot({ pool }),
      createScopedPool: () => createScopedPool(pool, 'plugin_a'),
    };
    expect(enter[door]).toThrow(
      /^Expected pool to be of pg 8\.21 or newer, whose clients know the state of their transaction, got one of another library; Slipway has pg 8\.\d+\.\d+ in .*node_modules.pg$/,
    );
  });

  test('with its version and its place, when it comes from a package', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-old-pg-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'lib'));
    writeFileSync(join(folder, 'package.json'), '{ "name": "pg", "version": "8.16.3" }');
    writeFileSync(join(folder, 'lib/client.js'), 'module.exports = class Client {};');
    const Old = createRequire(import.meta.url)(join(folder, 'lib/client.js')) as typeof Client;
    const pool = new Pool({ connectionString: url, Client: Old });
    const { resolve } = createRequire(import.meta.url);
    const [, version] =
      /"version": "(.+)"/.exec(readFileSync(resolve('pg/package.json'), 'utf8')) ?? [];
    expect(refusal(pool)).toBe(
      `pg 8.16.3 in ${folder}; Slipway has pg ${version} in ${dirname(resolve('pg/package.json'))} → Install pg 8.21 or newer where the pool is made (npm ls pg shows every copy).`,
    );
  });
});
