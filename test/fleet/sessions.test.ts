import { inject, expect, it } from 'vitest';
import { migrateFleet, type MigrationFunction } from '../../src/index.ts';
import { asAdmin } from '../support/leaks.ts';
import { deferred } from '../support/deferred.ts';
import { useDatabase } from '../support/database.ts';
import { makeDatabases, toTargets, type TestTarget } from './fleet-fixture.ts';

const db = useDatabase();

/** The sessions in these databases, of all clients. */
function countSessions(databases: readonly TestTarget[]): Promise<number> {
  const names = databases.map(({ database }) => database.name);
  return asAdmin(inject('postgresUrl'), async (admin) => {
    const { rows } = await admin.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = ANY ($1)',
      [names],
    );
    return rows[0]?.n ?? -1;
  });
}

it('has no more connections than databases that run, and closes them with each database', async () => {
  const tenants = await makeDatabases(db, 9);
  // Each wave of three stands in its migration until the sessions have been counted.
  const waves = [0, 1, 2].map(() => ({ full: deferred(), counted: deferred() }));
  let inside = 0;
  const waiting: MigrationFunction = {
    name: '0000_wait',
    run: async () => {
      const wave = waves[Math.floor(inside / 3)];
      inside += 1;
      if (inside % 3 === 0) wave?.full.resolve();
      await wave?.counted.promise;
    },
  };
  const other = { id: 'b', migrations: [{ name: '0000_other', run: () => Promise.resolve() }] };
  const running = migrateFleet({
    targets: toTargets(tenants),
    // The other plugin waits for the connection of the first one.
    boot: () => ({ plugins: [{ id: 'a', migrations: [waiting] }, other] }),
    concurrency: 3,
  });
  for (const { full, counted } of waves) {
    await full.promise;
    await expect.poll(() => countSessions(tenants)).toBe(3);
    counted.resolve();
  }
  expect((await running).counts).toMatchObject({ done: 9 });
  await expect.poll(() => countSessions(tenants)).toBe(0);
});
