import { expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import {
  megabyte,
  migrateOptions,
  pluginWith,
  repeatTo,
  takeSurvey,
} from '../postgres/migration-fixture.ts';

const db = useDatabase();

const rows = repeatTo(1.2 * megabyte, `INSERT INTO notes VALUES (17, 'größer; --', 2.5);\n`);

test('a long file with other line ends, or with the schema in it, is the file that was applied', async () => {
  const text = `CREATE TABLE "public"."notes" (n int, body text, x float);\n${rows}`;
  const plugin = await pluginWith('ends', { '0000_long': text });
  const pool = db.pool();
  await migratePlugin(pool, plugin, migrateOptions());
  for (const form of [
    text.replaceAll('\n', '\r\n'),
    text.replaceAll('"public".', '"plugin_ends".'),
  ]) {
    const again = await pluginWith('ends', { '0000_long': form });
    const { plugins } = await takeSurvey(pool, [again]);
    expect(plugins[0]).toMatchObject({ pending: [], warnings: [], problems: [] });
  }
  const edited = await pluginWith('ends', { '0000_long': `${text} ` });
  const { plugins } = await takeSurvey(pool, [edited]);
  expect(plugins[0]?.warnings).toMatchObject([{ code: 'MIGRATION_EDITED' }]);
});

test.each([0, 1, 2, 3, 4, 5])(
  'a long file without line ends that had the schema in it is the file that was applied, %i characters further on',
  async (shift) => {
    const row = `INSERT INTO "public"."notes" VALUES (1);`;
    const table = `CREATE TABLE "public"."notes" (n int);${' '.repeat(shift * 5)}`;
    const text = table + repeatTo(1.2 * megabyte, row);
    const id = `one_line_${shift}`;
    const plugin = await pluginWith(id, { '0000_long': text });
    await migratePlugin(db.pool(), plugin, migrateOptions());
    const named = text.replaceAll('"public".', `"plugin_${id}".`);
    const again = await pluginWith(id, { '0000_long': named });
    const { plugins } = await takeSurvey(db.pool(), [again]);
    expect(plugins[0]).toMatchObject({ pending: [], warnings: [], problems: [] });
  },
);
