import { expect } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import type { PluginMigrations } from '../../src/postgres/sources/read-migrations.ts';
import type { Database, FileDatabase } from '../support/database.ts';
import {
  errorOf,
  migrateOptions,
  pluginWith,
  takeSurvey,
  type MigrateChanges,
  type SurveyChanges,
} from './migration-fixture.ts';

export const mark = '-- slipway: no-transaction\n';
/** `runs` counts what has run; the third command fails while two items have one name. */
export const first = {
  '0000_items': `create table items (id serial, name text); insert into items (name) values ('a'), ('a');
    create table runs (command int)`,
};
export const commands = [
  'insert into runs values (1)',
  'create index concurrently items_id on items (id)',
  'create unique index concurrently items_name on items (name)',
  'insert into runs values (4)',
  'alter table items add column price int',
];
export const write = (list: readonly string[]): string => `${mark}${list.join(';\n')};`;
export const mixed = { ...first, '0001_mixed': write(commands) };

export const runs = async ({ query }: Pick<Database, 'query'>): Promise<readonly number[]> => {
  const { rows } = await query<{ command: number }>('select command from plugin_a.runs order by 1');
  return rows.map(({ command }) => command);
};
export const tables = async ({ query }: Pick<Database, 'query'>): Promise<readonly string[]> => {
  const { rows } = await query<{ name: string }>(
    `select relname::text as name from pg_class where relnamespace = 'plugin_a'::regnamespace and relkind = 'r' order by 1`,
  );
  return rows.map(({ name }) => name);
};
export const repairNames = (fresh: Database): Promise<unknown> =>
  fresh.query('delete from plugin_a.items where id = 1');

/** A database in which the third command of the file has failed. */
export async function stopped(db: FileDatabase): Promise<Database> {
  const fresh = await db.fresh();
  await errorOf(migratePlugin(fresh.pool(), await pluginWith('a', mixed), migrateOptions()));
  expect(await tables(fresh)).toContain('__slipway_unfinished');
  return fresh;
}

export async function run(
  fresh: Database,
  files: Readonly<Record<string, string>>,
  changes: MigrateChanges = {},
): Promise<readonly UnstampedEvent[]> {
  const options = migrateOptions(changes);
  const result = await migratePlugin(fresh.pool(), await pluginWith('a', files), options);
  expect(result.status).toBe('done');
  return options.told;
}

export async function survey(
  fresh: Database,
  plugin: PluginMigrations,
  changes: SurveyChanges = {},
) {
  const client = await fresh.pool().connect();
  try {
    return await takeSurvey(client, [plugin], changes);
  } finally {
    client.release();
  }
}

export const lines = (told: readonly UnstampedEvent[]): readonly string[] =>
  told.flatMap((news) => {
    if (news.type === 'plugin.migrate.applying') {
      const { file, statements, goesOnAt } = news;
      return [`${file} of ${statements}${goesOnAt === undefined ? '' : ` from ${goesOnAt}`}`];
    }
    if (news.type !== 'plugin.migrate.executing') return [];
    return [`${news.statement} of ${news.statements}, line ${news.line}: ${news.command}`];
  });
