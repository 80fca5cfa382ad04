import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { readFormatFolder } from '../../src/postgres/sources/formats/read-format-folder.ts';
import type { SqlMigration } from '../../src/postgres/sources/migration.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import { migrateOptions } from './migration-fixture.ts';

const db = useDatabase();

async function filesOf(
  tool: 'dbmate' | 'goose',
  texts: Readonly<Record<string, string>>,
): Promise<readonly SqlMigration[]> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  return readFormatFolder('p', folder, tool);
}

const plugin = {
  id: 'p',
  schema: 'plugin_p',
  historySchema: 'plugin_p',
  previousSchemas: [],
  furtherSchemas: [],
};

test('an error shows the file as it was written, with what does not run', async () => {
  const files = await filesOf('dbmate', {
    '1_a.sql': '-- migrate:up\nselect nope;\n-- migrate:down\nselect 1;\n',
  });
  const running = migratePlugin(db.pool(), { ...plugin, files }, migrateOptions());
  await expect(running).rejects.toMatchObject({
    position: {
      line: 2,
      column: 8,
      excerpt: expect.stringMatching(/1 \| -- migrate:up\n[^]*3 \| -- migrate:down/) as unknown,
    },
  });
});

test('a file that cannot run is refused also when it became pending after the survey', async () => {
  const files = await filesOf('goose', { '1_a.sql': '-- +goose Up\nselect 1;', '2_b.go': 'x' });
  const running = migratePlugin(db.pool(), { ...plugin, files }, migrateOptions());
  await expect(running).rejects.toMatchObject({
    code: 'MIGRATION_FILES_INVALID',
    message: expect.stringContaining('2_b.go'),
  });
  const { rows } = await db.query('select name from plugin_p.__drizzle_migrations');
  expect(rows).toEqual([{ name: '1_a' }]);
});
