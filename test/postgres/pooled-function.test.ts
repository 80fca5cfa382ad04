import { describe, expect, test } from 'vitest';
import { toMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { useDatabase } from '../support/database.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { coded, errorOf, migrateOptions, takeSurvey, toPlugin } from './migration-fixture.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();

async function pooled() {
  const bouncer = await startPgBouncer({ mode: 'transaction', size: 1 });
  return db.pool({ connectionString: bouncer.through(db.url), max: 2 });
}

describe.skipIf(!pgbouncer)('through a pooler in transaction mode a function', () => {
  test('runs in its transaction, with values too', async () => {
    const plugin = coded('p', {
      a: async (client) => {
        await client.query('create table items (id int)');
        await client.query('insert into items values ($1)', [7]);
      },
      b: async (client) => {
        const { rows } = await client.query('select id from items where id = $1', [7]);
        expect(rows).toEqual([{ id: 7 }]);
      },
    });
    const options = migrateOptions({ keepsSession: false });
    expect(await migratePlugin(await pooled(), plugin, options)).toMatchObject({
      status: 'done',
      applied: ['a', 'b'],
    });
  });

  test('may not leave anything on the session', async () => {
    const plugin = coded('q', { a: (client) => client.query("set lock_timeout = '5s'") });
    const options = migrateOptions({ keepsSession: false });
    const error = await errorOf(migratePlugin(await pooled(), plugin, options));
    expect(error).toMatchObject({ code: 'MIGRATION_FAILED' });
    expect(error.message).toContain('SET LOCK_TIMEOUT is refused: it outlives its transaction');
  });

  test('that wants no transaction is refused in the survey', async () => {
    const list = [{ name: 'alone', run: () => undefined, transaction: false as const }];
    const client = await (await pooled()).connect();
    const { problems } = await takeSurvey(client, [toPlugin('r', toMigrations(list))]);
    client.release();
    expect(problems).toMatchObject([{ code: 'POOLER_UNSUPPORTED', file: 'alone' }]);
  });
});
