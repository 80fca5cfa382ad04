import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { requireBuiltPackage } from '../support/built-package.ts';
import { useDatabase } from '../support/database.ts';

/** Type checked where `drizzle-orm` is 1.0. */
const program = `import { createScopedDatabase } from 'slipway/drizzle';
import { defineRelations, sql } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { Pool } from 'pg';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const expectSame = <A, B>(_same: Same<A, B>): void => undefined;

const items = pgTable('items', { id: integer('id').primaryKey(), name: text('name').notNull() });
const notes = pgTable('notes', { id: integer('id').primaryKey(), item: integer('item').notNull() });
const relations = defineRelations({ items, notes }, (r) => ({
  items: { notes: r.many.notes({ from: r.items.id, to: r.notes.item }) },
}));

const pool = new Pool({ connectionString: process.argv[2], max: 2 });
const database = createScopedDatabase(pool, 'plugin_x', { relations });

const all = await database.query.items.findMany();
expectSame<typeof all, { id: number; name: string }[]>(true);
const related = await database.query.items.findFirst({ with: { notes: true } });
expectSame<NonNullable<typeof related>['notes'], { id: number; item: number }[]>(true);
const selected = await database.select().from(items);
expectSame<typeof selected, { id: number; name: string }[]>(true);
expectSame<typeof database.$client, Pool>(true);
// @ts-expect-error no such table
void database.query.nothing;

const bare = createScopedDatabase(pool, 'plugin_x');
const counted: number = await bare.$count(items);
await bare.transaction((tx) => tx.execute(sql.raw('insert into notes values (2, 1)')), {
  isolationLevel: 'serializable',
});

console.log(JSON.stringify({ all, related, selected, counted, notes: await bare.$count(notes) }));
await pool.end();
`;

const run = promisify(execFile);
const db = useDatabase();
const installed = (name: string): string => join(repository, 'node_modules', name);
let project = '';

/** A project whose only Drizzle is 1.0. Both packages are copied, because a link would find the Drizzle of this repository. */
beforeAll(async () => {
  requireBuiltPackage();
  project = await mkdtemp(join(tmpdir(), 'slipway-drizzle1-'));
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, '@types'), { recursive: true });
  await cp(installed('drizzle-orm-1'), join(modules, 'drizzle-orm'), { recursive: true });
  for (const part of ['package.json', 'dist/src', 'dist/machines']) {
    await cp(join(repository, part), join(modules, 'slipway', part), { recursive: true });
  }
  for (const name of ['pg', '@types/pg', '@types/node', 'pino', 'eventemitter3', 'xstate']) {
    await symlink(installed(name), join(modules, name));
  }
  await writeFile(join(project, 'main.ts'), program);
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
        target: 'es2022',
        module: 'nodenext',
        types: ['node'],
      },
      files: ['main.ts'],
    }),
  );
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

test.skipIf(!existsSync(installed('drizzle-orm-1')))(
  'createScopedDatabase() is typed by the relations of Drizzle 1.0, and works with it',
  async () => {
    const tsc = join(repository, 'node_modules', '.bin', 'tsc');
    const compiled = await run(tsc, ['-p', '.'], { cwd: project }).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(compiled.stdout).toBe('');
    await db.query(`create schema plugin_x; set search_path = plugin_x;
      create table items (id int primary key, name text); insert into items values (1, 'one');
      create table notes (id int primary key, item int); insert into notes values (1, 1)`);
    const { stdout } = await run(process.execPath, ['main.js', db.url], { cwd: project });
    const items = [{ id: 1, name: 'one' }];
    expect(JSON.parse(stdout)).toEqual({
      all: items,
      related: { ...items[0], notes: [{ id: 1, item: 1 }] },
      selected: items,
      counted: 1,
      notes: 2,
    });
  },
  120_000,
);
