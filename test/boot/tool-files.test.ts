import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sqlFiles } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { temporaryFolder } from '../support/migration-folder.ts';
import type { Tool } from '../support/tool-folders.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

describe('a file of another tool', () => {
  const boot = async (tool: Tool, files: Readonly<Record<string, string>>) => {
    const { url, query } = await db.fresh();
    const folder = await temporaryFolder();
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const { boot: booted } = bootUnderTest({
      pool: url,
      plugins: [{ id: 'p', migrations: sqlFiles(folder, { format: tool }) }],
    });
    return { boot: booted, query };
  };

  test.each<[Tool, string]>([
    ['goose', '-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM a;\n-- +goose Down\nSELECT nope;\n'],
    ['dbmate', '-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);'],
    ['sql-migrate', '-- +migrate Up notransaction\nSELECT pg_current_xact_id();'],
  ])('of %s runs outside of a transaction when it asks for that', async (tool, text) => {
    const first = text.replace(/^-- \+goose NO.*\n/, '').replace(/^(-- \S+(?: Up)?).*$/ms, '$1');
    const files = { '1_a.sql': `${first}\nCREATE TABLE a (id int);`, '2_b.sql': text };
    const { boot: booted } = await boot(tool, files);
    const [plan] = (await booted.plan()).plugins;
    expect(plan?.pending.map(({ transaction }) => transaction)).toEqual([true, false]);
    expect((await booted.migrate()).plugins[0]?.applied).toEqual(['1_a.sql', '2_b.sql']);
  });

  test('that is long runs without its way down, and its errors have its lines', async () => {
    const row = `INSERT INTO a VALUES ('${'ä'.repeat(16 * 1024)}');\n`;
    const up = `-- migrate:up\nCREATE TABLE a (t text);\n${row.repeat(40)}`;
    const down = `-- migrate:down\nDROP TABLE a; ${'-- ü\n'.repeat(100_000)}`;
    const again = `-- migrate:up\n  SELECT nope;\n`;
    const good = await boot('dbmate', { '1_a.sql': up + down });
    await good.boot.migrate();
    const { rows } = await good.query('SELECT count(*)::int FROM plugin_p.a');
    expect(rows).toEqual([{ count: 40 }]);
    const bad = await boot('dbmate', { '1_a.sql': up + down + again });
    expect(await failureOf(bad.boot.migrate())).toMatchObject({
      code: 'MIGRATION_FAILED',
      position: { line: 2 + 40 + 1 + 100_000 + 2, column: 10 },
    });
  });
});
