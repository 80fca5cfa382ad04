import { Pool, types, type PoolConfig } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import {
  coreServices,
  createRepair,
  definePlugin,
  type BootOptions,
  type MigrationFunction,
  type Plugin,
} from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

type AnyParser = (value: unknown) => unknown;

const unreadable: AnyParser = (value) => Symbol(String(value));
const throwing: AnyParser = () => {
  throw new Error('the host reads no such type');
};
const allBy = (parser: AnyParser): PoolConfig => ({
  types: { getTypeParser: () => parser },
});

/** For the process, as a host does it that wants its numbers and dates in a form of its own. */
function readAllBy(parser: AnyParser): () => void {
  const before = Object.values(types.builtins).map((oid) => {
    const was = [types.getTypeParser(oid, 'text'), types.getTypeParser(oid, 'binary')] as const;
    types.setTypeParser(oid, 'text', parser);
    types.setTypeParser(oid, 'binary', parser);
    return [oid, was] as const;
  });
  return () => {
    for (const [oid, [text, binary]] of before) {
      types.setTypeParser(oid, 'text', text);
      types.setTypeParser(oid, 'binary', binary);
    }
  };
}

let restore = (): void => undefined;
afterEach(() => restore());

/** What a test looks at by itself is read as PostgreSQL wrote it. */
async function rowsOf(database: Database, sql: string): Promise<unknown[]> {
  const pool = new Pool({ connectionString: database.url, ...allBy(String) });
  try {
    return (await pool.query(sql)).rows;
  } finally {
    await pool.end();
  }
}

function optionsFor(
  { url }: Database,
  config: PoolConfig,
  plugins: readonly Plugin[],
): BootOptions {
  return { pool: { connectionString: url, ...config }, plugins, registry: true };
}

describe.each<[string, PoolConfig, AnyParser?]>([
  ['whose pool reads every type as something else', allBy(unreadable)],
  ['whose pool can read no type', allBy(throwing)],
  ['whose process reads every type as something else', {}, unreadable],
  ['whose process can read no type', {}, throwing],
  ['whose pool asks for binary answers', { binary: true } as PoolConfig],
])('a host %s', (_, config, processWide) => {
  it('gets its first install, its upgrade by two replicas, its registry and its locks', async () => {
    const database = await db.fresh();
    if (processWide) restore = readAllBy(processWide);
    const migrations = await migrationFolder({
      '0000_items': 'CREATE TABLE items (id int);',
      '0001_index': 'CREATE INDEX CONCURRENTLY items_id ON items (id);',
    });
    const done: string[] = [];
    const release = (id: string, ...previousIds: string[]): Plugin =>
      definePlugin({
        id,
        version: id,
        migrations,
        previousIds,
        deps: { locks: coreServices.advisoryLock },
        init: ({ locks, database: pool }) =>
          locks.withLock('stock', async () => {
            await pool.query('insert into items values (1)');
            const client = await pool.connect();
            await client.query('insert into items values (2)');
            client.release();
            done.push(id);
          }),
      });
    const first = await bootUnderTest(
      optionsFor(database, config, [release('inventory')]),
    ).boot.start();
    expect(first.plugins[0]?.applied).toHaveLength(2);
    expect(first.database?.pooler).toBe(false);
    await writeMigrations(migrations, {
      '0000_items': 'CREATE TABLE items (id int);',
      '0001_index': 'CREATE INDEX CONCURRENTLY items_id ON items (id);',
      '0002_name': 'ALTER TABLE items ADD COLUMN name text;',
    });
    const replicas = [1, 2].map(() =>
      bootUnderTest(optionsFor(database, config, [release('stock', 'inventory')])).boot.start(),
    );
    const upgraded = await Promise.all(replicas);
    expect(upgraded.flatMap(({ plugins }) => plugins[0]?.applied)).toEqual(['0002_name.sql']);
    expect(upgraded.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(done).toEqual(['inventory', 'stock', 'stock']);
    expect(
      await rowsOf(database, 'select id, count(*) n from plugin_stock.items group by 1 order by 1'),
    ).toEqual([
      { id: '1', n: '3' },
      { id: '2', n: '3' },
    ]);
    expect(await rowsOf(database, 'select id, enabled from slipway.plugins order by 1')).toEqual([
      { id: 'inventory', enabled: 't' },
      { id: 'stock', enabled: 't' },
    ]);
  });

  it('gets its repairs', async () => {
    const database = await db.fresh();
    if (processWide) restore = readAllBy(processWide);
    const a = { '0000_a': 'CREATE TABLE a (id int);' };
    const migrations = await migrationFolder(a);
    const options = optionsFor(database, config, [{ id: 'p', migrations }]);
    await bootUnderTest(options).boot.migrate();
    await writeMigrations(migrations, {
      '0000_a': 'CREATE TABLE a (id bigint);',
      '0001_b': 'CREATE TABLE b (id int);',
    });
    const repair = createRepair(options);
    expect((await repair.acceptEdited('p')).changes).toHaveLength(1);
    expect((await repair.markApplied('p', ['0001_b.sql'])).changes).toHaveLength(1);
    const plan = await bootUnderTest(options).boot.plan();
    expect(plan.plugins[0]?.pending).toEqual([]);
    expect(plan.plugins[0]?.warnings).toEqual([]);
    expect(await repair.holder('p')).not.toHaveProperty('holder');

    const holding = new Pool({ connectionString: database.url, max: 1, ...allBy(String) });
    holding.on('error', () => undefined);
    const lost = new Promise((resolve) => holding.once('remove', resolve));
    await holding.query(`select pg_advisory_lock(${migrationLockKey('plugin_p')})`);
    const report = await repair.holder('p', { terminate: true });
    expect(report).toMatchObject({
      holder: { pid: expect.any(Number) as number },
      terminated: true,
    });
    await lost;
    await holding.end();
  });

  it('finds its own parsers in the migrations that are its functions', async () => {
    const database = await db.fresh();
    if (processWide) restore = readAllBy(processWide);
    const answers: unknown[] = [];
    const migrations: readonly MigrationFunction[] = [
      {
        name: 'answers',
        run: async (client) => {
          await client.query('create table made (id int)');
          for (const values of [[], ['1']]) {
            const text = values.length === 0 ? 'select 1 as n' : 'select $1::int as n';
            const answer = client.query<{ n: unknown }>(text, values);
            await answer.then(
              ({ rows }) => answers.push(typeof rows[0]?.n),
              (error: unknown) => answers.push((error as Error).message),
            );
            if (answers.at(-1) === 'the host reads no such type') return;
          }
        },
      },
    ];
    const { boot } = bootUnderTest(optionsFor(database, config, [{ id: 'coded', migrations }]));
    await boot.migrate().catch(() => undefined);
    const parser =
      processWide ?? (config.types?.getTypeParser(types.builtins.INT4) as AnyParser | undefined);
    const expected =
      parser === undefined
        ? ['number', 'number']
        : parser === throwing
          ? ['the host reads no such type']
          : ['symbol', 'symbol'];
    expect(answers).toEqual(expected);
  });
});
