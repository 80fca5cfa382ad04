import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { createRepair, type BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { stateOf, thrice } from '../support/repairs.ts';
import { writeSnapshots } from '../support/snapshots.ts';
import { expectNothingLeft } from './pooled-plugins.ts';

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

/** A plugin whose two tables are stranded. */
async function stranded(fresh: Database): Promise<BootOptions> {
  const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE x (); CREATE TABLE y ();' });
  await writeSnapshots(migrations, { '0000_a': { tables: ['x', 'y'] } });
  const options = { pool: fresh.url, plugins: [{ id: 'p', migrations }] };
  await bootUnderTest(options).boot.migrate();
  await fresh.query(
    'ALTER TABLE plugin_p.x SET SCHEMA public; ALTER TABLE plugin_p.y SET SCHEMA public',
  );
  return options;
}

/** A pool whose client sends what begins with `text` on another connection, which is inside a transaction of its own. */
function wandering(pool: Pool, text: string): Pool {
  const connect = async (): Promise<unknown> => {
    const [pinned, other] = [await pool.connect(), await pool.connect()];
    await other.query('BEGIN');
    return new Proxy(pinned, {
      get(target, name) {
        if (name === 'release') {
          return () => {
            pinned.release(true);
            void other.query('COMMIT').finally(() => other.release(true));
          };
        }
        if (name !== 'query') return Reflect.get(target, name) as unknown;
        return (query: { readonly text: string }) =>
          (query.text.startsWith(text) ? other : pinned).query(query);
      },
    });
  };
  return new Proxy(pool, {
    get: (target, name) => (name === 'connect' ? connect : (Reflect.get(target, name) as unknown)),
  });
}

describe('a repair', () => {
  it('whose statement goes out on another connection is found out, and undone', async () => {
    const fresh = await db.fresh();
    const options = await stranded(fresh);
    const before = await stateOf(fresh);
    const pool = wandering(fresh.pool(), 'alter table "public"."y"');
    const error = await failureOf(createRepair({ ...options, pool }).relocate('p'));
    expect(error).toMatchObject({ code: 'MIGRATION_WRONG_SCHEMA', plugin: 'p' });
    expect(await stateOf(fresh)).toEqual(before);
  });

  it.skipIf(!pgbouncer)(
    'works through a pooler in transaction mode, and leaves nothing on the sessions of others',
    async () => {
      const fresh = await db.fresh();
      const options = await stranded(fresh);
      const pooled = (await startPgBouncer({ mode: 'transaction' })).through(fresh.url);
      const repair = createRepair({ ...options, pool: pooled });
      const report = await thrice(fresh, (dryRun) => repair.relocate('p', { dryRun }));
      expect(report.changes).toHaveLength(2);
      expect(await repair.holder('p')).not.toHaveProperty('holder');
      await expectNothingLeft(fresh, pooled);
    },
  );
});
