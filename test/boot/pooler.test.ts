import { describe, expect, test } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

describe.skipIf(!pgbouncer)('a boot through a pooler in transaction mode', () => {
  test('x', async () => {
    const { url, query } = await db.fresh();
    const pooler = await startPgBouncer({ mode: 'transaction' });
    const plugins: Plugin[] = await Promise.all(
      ['a', 'b', 'c'].map(async (id) => ({
        id,
        migrations: await migrationFolder({
          '0000_init': `create table ${id}_t (id int);`,
          '0001_more': `alter table ${id}_t add x int;`,
        }),
      })),
    );
    const { boot } = bootUnderTest({ pool: pooler.through(url), plugins });
    const report = await boot.start();
    expect(report.database).toMatchObject({ pooler: true });
    const { rows } = await query(
      'select table_schema, table_name from information_schema.tables where table_schema like $1 order by 1,2',
      ['plugin_%'],
    );
    console.log(rows, report.database);
  });
});
