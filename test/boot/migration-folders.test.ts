import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createRepair, sqlFiles, type BootOptions, type MigrationSource } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import {
  migrationFolder,
  temporaryFolder,
  timestampFolder,
  writeMigrations,
} from '../support/migration-folder.ts';
import { writeSnapshots } from '../support/snapshots.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const appliedBy = async (options: BootOptions): Promise<unknown> =>
  (await bootUnderTest(options).boot.migrate()).plugins[0]?.applied;

describe('the snapshots of a long history', () => {
  const a = { '0000_a': 'CREATE TABLE "public"."a" (id int PRIMARY KEY);' };
  const b = { '0001_b': 'CREATE TABLE "public"."b" (id int REFERENCES "public"."a");' };
  const c = { '0002_c': 'ALTER TABLE "public"."b" ADD COLUMN n int;' };
  const all = { '0000_a': { tables: ['a'] }, '0001_b': { tables: ['a', 'b'] } };

  async function longHistory() {
    const fresh = await db.fresh();
    const migrations = await migrationFolder({ ...a, ...b });
    await writeSnapshots(migrations, all);
    const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
    expect(await appliedBy(options)).toEqual(['0000_a.sql', '0001_b.sql']);
    const broken = (number: string) =>
      writeFile(join(migrations, 'meta', `${number}_snapshot.json`), '<<<<<<< HEAD');
    return { fresh, migrations, options, broken };
  }

  it('are not read when nothing is pending', async () => {
    const { fresh, options, broken } = await longHistory();
    await broken('0000');
    await broken('0001');
    expect((await bootUnderTest(options).boot.start()).warnings).toEqual([]);
    // With a stranger in public the newest one is looked at; it is of no use, and no reason to fail.
    await fresh.query('CREATE TABLE public.a ()');
    expect((await bootUnderTest(options).boot.start()).warnings).toEqual([]);
  });

  it('are read for a pending file from the newest on, until its names are known', async () => {
    const { migrations, options, broken } = await longHistory();
    await writeMigrations(migrations, { ...a, ...b, ...c });
    await broken('0000');
    expect(await appliedBy(options)).toEqual(['0002_c.sql']);
  });

  it('are named before anything is changed, when a pending file needs one that is broken', async () => {
    const { fresh, migrations, options, broken } = await longHistory();
    await writeMigrations(migrations, { ...a, ...b, ...c });
    await broken('0001');
    const q = { id: 'q', migrations: await migrationFolder({ '0000_q': 'CREATE TABLE q ();' }) };
    const { boot } = bootUnderTest({ ...options, plugins: [...options.plugins, q] });
    const error = await failureOf(boot.start());
    expect(error.problems).toEqual([
      {
        code: 'MIGRATION_FILES_INVALID',
        plugin: 'p',
        message: `The migrations of p: ${join(migrations, 'meta', '0001_snapshot.json')} is not JSON`,
        hint: 'Restore the snapshot from version control, or resolve its merge conflict.',
      },
    ]);
    expect((await fresh.query(`SELECT to_regnamespace('plugin_q') AS q`)).rows).toEqual([
      { q: null },
    ]);
    const plan = await bootUnderTest(options).boot.plan();
    expect(plan.plugins[0]).toMatchObject({
      pending: [{ file: '0002_c.sql', statements: [{ text: c['0002_c'] }] }],
      problems: error.problems,
    });
    // Where "public" is meant as it is written, no snapshot is needed.
    const meant = { ...options, migrations: { rewritePublic: false } };
    expect((await bootUnderTest(meant).boot.plan()).problems).toEqual([]);
  });
});

describe('one folder for two plugins is a problem before anything is changed', () => {
  const files = { '0000_a': 'CREATE TABLE a ();' };

  it.each<[string, (folder: string) => Promise<MigrationSource>]>([
    ['by one path', async (folder) => folder],
    ['by its URL', async (folder) => pathToFileURL(`${folder}/`)],
    [
      'by a link',
      async (folder) => {
        const link = join(await temporaryFolder(), 'link');
        await symlink(folder, link);
        return link;
      },
    ],
    ['once of drizzle-kit, once as plain SQL', async (folder) => sqlFiles(folder)],
    ['in a list', async (folder) => [{ name: 'seed', run: () => undefined }, folder]],
  ])('%s', async (_, sameAs) => {
    const fresh = await db.fresh();
    const folder = await migrationFolder(files);
    const options = {
      pool: fresh.url,
      plugins: [
        { id: 'p', migrations: folder },
        { id: 'q', migrations: await sameAs(folder) },
      ],
    };
    const error = await failureOf(bootUnderTest(options).boot.start());
    expect(error).toMatchObject({
      code: 'PLAN_INVALID',
      problems: [
        {
          code: 'MIGRATION_FILES_INVALID',
          plugin: 'q',
          message: `The migrations of q and of p are one folder: ${folder}`,
        },
      ],
    });
    const { rows } = await fresh.query(`SELECT to_regnamespace('plugin_p') AS p`);
    expect(rows).toEqual([{ p: null }]);
  });

  it('also when one of them is the host', async () => {
    const folder = await migrationFolder(files);
    const { boot } = bootUnderTest({
      pool: (await db.fresh()).url,
      host: { migrations: folder },
      plugins: [{ id: 'p', migrations: folder }],
    });
    const { problems } = await failureOf(boot.start());
    expect(problems?.map(({ message }) => message)).toEqual([
      `The migrations of p and of host are one folder: ${folder}`,
    ]);
  });

  it('but a list of functions may be shared', async () => {
    const migrations = [{ name: 'a', run: () => undefined }];
    const { boot } = bootUnderTest({
      pool: (await db.fresh()).url,
      plugins: [
        { id: 'p', migrations },
        { id: 'q', migrations },
      ],
    });
    expect((await boot.start()).outcome).toBe('ready');
  });
});

it.each([
  ['nothing in it', ''],
  ['a byte order mark', '\uFEFF\r\n'],
  [
    'what drizzle-kit puts into a custom file',
    '-- Custom SQL migration file, put your code below! --',
  ],
])('a pending file with %s is applied with a warning, told once', async (_, text) => {
  const migrations = await timestampFolder({ '20240102030405_a': text });
  const options = { pool: (await db.fresh()).url, plugins: [{ id: 'p', migrations }] };
  const first = bootUnderTest(options);
  await first.boot.start();
  expect(first.recording.of('plugin.migrate.warning')).toMatchObject([
    {
      plugin: 'p',
      file: '20240102030405_a/migration.sql',
      code: 'MIGRATION_FILES_INVALID',
      message: 'p: 20240102030405_a/migration.sql has no statement, and will count as applied',
    },
  ]);
  expect((await bootUnderTest(options).boot.start()).warnings).toEqual([]);
});

/** Folders of each Drizzle with two files; the second is written at `time`, a date as drizzle-kit 1.x has it. */
const twoFiles = {
  '0.x': async (time: string, name: string) => {
    const tag = `0001_${name}`;
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE a (n int);', [tag]: seed });
    const entries = [
      { idx: 0, tag: '0000_a', when: Date.UTC(2024, 0, 1) },
      { idx: 1, tag, when: Date.UTC(2024, 0, Number(time.slice(6, 8))) },
    ];
    await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify({ entries }));
    return { folder, file: `${tag}.sql` };
  },
  '1.x': async (time: string, name: string) => {
    const tag = `${time}_${name}`;
    const files = { '20240101000000_a': 'CREATE TABLE a (n int);', [tag]: seed };
    return { folder: await timestampFolder(files), file: `${tag}/migration.sql` };
  },
};
const seed = 'INSERT INTO a VALUES (1);';

it.each([
  ['0.x', `created_at ${Date.UTC(2024, 0, 2)}`],
  ['1.x', '20240102000000_seed'],
] as const)(
  'a new file with the text of one that is gone counts as applied with a warning, until that is accepted (Drizzle %s)',
  async (format, gone) => {
    const { url, query } = await db.fresh();
    const optionsFor = (migrations: string) => ({ pool: url, plugins: [{ id: 'p', migrations }] });
    const before = await twoFiles[format]('20240102000000', 'seed');
    await bootUnderTest(optionsFor(before.folder)).boot.migrate();
    const { folder, file } = await twoFiles[format]('20240103000000', 'again');
    const options = optionsFor(folder);
    const warning = {
      code: 'MIGRATION_EDITED',
      plugin: 'p',
      file,
      message: `p: ${file} counts as applied, and did not run: its text is that of ${gone}, which the folder no longer has`,
      hint: "If it was renamed, or got another time, call repair.acceptEdited('p'). A new file that must run needs a different text: an added comment is enough.",
    };
    expect((await bootUnderTest(options).boot.plan()).plugins[0]?.warnings).toEqual([warning]);
    const strict = { ...options, migrations: { edited: 'error' as const } };
    expect(await failureOf(bootUnderTest(strict).boot.start())).toMatchObject({
      problems: [warning],
    });
    expect(await appliedBy(options)).toEqual([]);

    const { changes } = await createRepair(options).acceptEdited('p');
    const change = `accepted as it is now, in place of ${gone}`;
    expect(changes).toEqual([{ kind: 'file', name: file, change }]);
    expect((await bootUnderTest(options).boot.plan()).warnings).toEqual([]);
    expect((await query('SELECT n FROM plugin_p.a')).rows).toEqual([{ n: 1 }]);
  },
);
