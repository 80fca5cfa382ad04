import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { drizzle as drizzle1 } from 'drizzle-orm-1/node-postgres';
import { migrate as migrate1 } from 'drizzle-orm-1/node-postgres/migrator';
import { describe, expect, it } from 'vitest';
import { createRepair, sqlFiles, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import {
  migrationFolder,
  temporaryFolder,
  timestampFolder,
  writeMigrations,
} from '../support/migration-folder.ts';
import { stateOf, thrice } from '../support/repairs.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const a = { '0000_a': 'CREATE TABLE a (id int);' };
const b = { '0001_b': 'CREATE TABLE b (id int);' };
const c = { '0002_c': 'CREATE TABLE c (id int);' };
const byHand = `CREATE SCHEMA plugin_p; CREATE TABLE plugin_p.a (id int); CREATE TABLE plugin_p.b (id int)`;

const pendingOf = async (options: BootOptions): Promise<unknown> =>
  (await bootUnderTest(options).boot.plan()).plugins[0]?.pending.map(({ file }) => file);
const appliedBy = async (options: BootOptions): Promise<unknown> =>
  (await bootUnderTest(options).boot.migrate()).plugins[0]?.applied;
const written = 'written into the history, and not run';

describe('baseline', () => {
  it('takes files as applied without running them, and the boot applies the rest', async () => {
    const fresh = await db.fresh();
    await fresh.query(byHand);
    const migrations = await migrationFolder({ ...a, ...b, ...c });
    const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) =>
      repair.baseline('p', { upTo: '0001_b.sql', dryRun }),
    );
    expect(report).toEqual({
      repair: 'baseline',
      plugin: 'p',
      schema: 'plugin_p',
      dryRun: false,
      changes: [
        { kind: 'file', name: '0000_a.sql', change: written },
        { kind: 'file', name: '0001_b.sql', change: written },
      ],
      left: [],
      statements: [
        expect.stringMatching(/^create table if not exists "plugin_p"."__drizzle_migrations"/),
        expect.stringMatching(/^insert into "plugin_p"."__drizzle_migrations"/),
        expect.stringMatching(/^insert into "plugin_p"."__drizzle_migrations"/),
      ],
    });
    expect(await pendingOf(options)).toEqual(['0002_c.sql']);
    expect(await appliedBy(options)).toEqual(['0002_c.sql']);
  });

  it('of all files leaves nothing for Drizzle 0.45 either', async () => {
    const fresh = await db.fresh();
    await fresh.query(byHand);
    const migrationsFolder = await migrationFolder({ ...a, ...b });
    const plugins = [{ id: 'p', migrations: migrationsFolder }];
    await createRepair({ pool: fresh.url, plugins }).baseline('p');
    const before = await stateOf(fresh);
    const pool = fresh.pool();
    await migrate(drizzle({ client: pool }), { migrationsFolder, migrationsSchema: 'plugin_p' });
    expect(await stateOf(fresh)).toEqual(before);
  });

  it('of a folder of Drizzle 1.x makes its history, in which Drizzle 1.0 finds everything', async () => {
    const fresh = await db.fresh();
    await fresh.query(byHand);
    const migrationsFolder = await timestampFolder({
      '20240101000000_a': a['0000_a'],
      '20240102000000_b': b['0001_b'],
    });
    const plugins = [{ id: 'p', migrations: migrationsFolder }];
    const repair = createRepair({ pool: fresh.url, plugins });
    await thrice(fresh, (dryRun) => repair.baseline('p', { dryRun }));
    const { rows } = await fresh.query('SELECT name FROM plugin_p.__drizzle_migrations');
    expect(rows).toEqual([{ name: '20240101000000_a' }, { name: '20240102000000_b' }]);

    const before = await stateOf(fresh);
    const client = drizzle1({ client: fresh.pool() });
    await migrate1(client, { migrationsFolder, migrationsSchema: 'plugin_p' });
    expect(await stateOf(fresh)).toEqual(before);
  });

  it('makes a schema that is missing, and a history of the host where the host has it', async () => {
    const fresh = await db.fresh();
    await fresh.query('CREATE TABLE a (id int)');
    const host = { migrations: await migrationFolder(a) };
    const repair = createRepair({ pool: fresh.url, host });
    const { statements } = await repair.baseline('host');
    expect(statements[0]).toBe('create schema if not exists "drizzle"');
    expect(await appliedBy({ pool: fresh.url, host })).toEqual([]);
  });

  it('heals a history that knows none of the files, as the problem says', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder(a);
    const before = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
    await bootUnderTest(before).boot.migrate();
    const anew = await timestampFolder({ '20250101000000_all': a['0000_a'] + '\n' });
    const options = { pool: fresh.url, plugins: [{ id: 'p', migrations: anew }] };
    const error = await failureOf(bootUnderTest(options).boot.migrate());
    expect(error.problems).toMatchObject([
      {
        code: 'MIGRATION_HISTORY_UNKNOWN',
        hint: expect.stringContaining(`repair.baseline('p') marks it as applied`) as string,
      },
    ]);
    await createRepair(options).baseline('p');
    expect(await appliedBy(options)).toEqual([]);
  });

  it('makes no new schema while the one of an earlier id waits to be renamed', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder(a);
    const old = { pool: fresh.url, plugins: [{ id: 'old', migrations }] };
    await bootUnderTest(old).boot.migrate();
    const before = await stateOf(fresh);
    const options = { pool: fresh.url, plugins: [{ id: 'p', previousIds: ['old'], migrations }] };
    expect(await failureOf(createRepair(options).baseline('p'))).toMatchObject({
      code: 'REPAIR_REFUSED',
      message: 'p: its schema is still called "plugin_old"',
    });
    expect(await stateOf(fresh)).toEqual(before);
  });

  it('takes functions and plain SQL files as applied too', async () => {
    const fresh = await db.fresh();
    const never = (): never => {
      throw new Error('It was run');
    };
    const folder = await temporaryFolder();
    await writeFile(join(folder, '1_first.sql'), 'SELECT never_there();');
    const options = {
      pool: fresh.url,
      plugins: [
        {
          id: 'p',
          migrations: [
            { name: 'first', run: never },
            { name: 'second', run: never },
          ],
        },
        { id: 'q', migrations: sqlFiles(folder) },
      ],
    };
    const repair = createRepair(options);
    await thrice(fresh, (dryRun) => repair.baseline('p', { upTo: 'first', dryRun }));
    await thrice(fresh, (dryRun) => repair.markApplied('p', ['second'], { dryRun }));
    await thrice(fresh, (dryRun) => repair.baseline('q', { upTo: '1_first', dryRun }));
    expect((await repair.relocate('q')).changes).toEqual([]);
    const report = await bootUnderTest(options).boot.migrate();
    expect(report.plugins.map(({ applied }) => applied)).toEqual([[], []]);
  });

  it('of a folder without files changes nothing', async () => {
    const fresh = await db.fresh();
    const plugins = [{ id: 'p', migrations: await migrationFolder({}) }];
    const report = await createRepair({ pool: fresh.url, plugins }).baseline('p');
    expect(report).toMatchObject({ changes: [], left: [], statements: [] });
  });
});

describe('markApplied', () => {
  it('takes single files as applied, in the order of the folder, and tells which were already', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder(a);
    const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
    await bootUnderTest(options).boot.migrate();
    await writeMigrations(migrations, { ...a, ...b, ...c });
    const repair = createRepair(options);
    const report = await thrice(fresh, (dryRun) =>
      repair.markApplied('p', ['0002_c', '0000_a.sql'], { dryRun }),
    );
    expect(report).toMatchObject({
      changes: [{ kind: 'file', name: '0002_c.sql', change: written }],
      left: [{ kind: 'file', name: '0000_a.sql', because: 'it is applied already' }],
    });
    expect(await appliedBy(options)).toEqual(['0001_b.sql']);
  });
});

describe('acceptEdited', () => {
  it.each(['0.x', '1.x'] as const)(
    'writes the hash of edited files into a history of %s, and the warning is gone',
    async (shape) => {
      const fresh = await db.fresh();
      const migrations = await migrationFolder({ ...a, ...b });
      const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
      if (shape === '1.x') {
        await fresh.query(`CREATE SCHEMA plugin_p; CREATE TABLE plugin_p.__drizzle_migrations
          (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint, name text, applied_at timestamptz DEFAULT now())`);
      }
      await bootUnderTest(options).boot.migrate();
      await writeMigrations(migrations, { '0000_a': '-- edited', '0001_b': '-- edited too', ...c });
      const { boot } = bootUnderTest(options);
      const edited = (await boot.plan()).plugins[0]?.warnings ?? [];
      expect(edited.map(({ code, file }) => `${code} ${file}`)).toEqual([
        'MIGRATION_EDITED 0000_a.sql',
        'MIGRATION_EDITED 0001_b.sql',
      ]);
      expect(edited[0]?.hint).toContain(`repair.acceptEdited('p')`);

      const repair = createRepair(options);
      const files = ['0001_b', '0002_c'];
      const one = await thrice(fresh, (dryRun) => repair.acceptEdited('p', { files, dryRun }));
      const change = expect.stringMatching(
        /^accepted as it is now, in place of hash \w{12}$/,
      ) as string;
      expect(one.changes).toEqual([{ kind: 'file', name: '0001_b.sql', change }]);
      expect(one.left).toMatchObject([{ name: '0002_c.sql', because: 'it is not applied' }]);
      await thrice(fresh, (dryRun) => repair.acceptEdited('p', { dryRun }));
      expect((await bootUnderTest(options).boot.plan()).warnings).toEqual([]);
      expect(await appliedBy(options)).toEqual(['0002_c.sql']);
    },
  );

  it('changes every row of a file that processes without a lock wrote twice', async () => {
    const fresh = await db.fresh();
    const migrations = await migrationFolder(a);
    const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
    await bootUnderTest(options).boot.migrate();
    await fresh.query(
      'INSERT INTO plugin_p.__drizzle_migrations (hash, created_at) SELECT hash, created_at FROM plugin_p.__drizzle_migrations',
    );
    await writeMigrations(migrations, { '0000_a': '-- edited' });
    await createRepair(options).acceptEdited('p');
    expect((await bootUnderTest(options).boot.plan()).warnings).toEqual([]);
  });
});
