import { expect, test, vi } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { killBoots, listPlaces } from '../support/killed-boots.ts';
import { timestampFolder } from '../support/migration-folder.ts';
import { pgbouncer, usePgBouncer } from '../support/pgbouncer.ts';
import { journalFolder, newer, old, squash, type TimedFiles } from '../support/squashed-folders.ts';
import { startTurnstile, type StopPlace } from '../support/turnstile.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const startPgBouncer = usePgBouncer();
const bootUnderTest = useBoots();

const newest: TimedFiles = { '0005_four': [5, 'UPDATE counter SET runs = runs + 1;'] };
const oldRelease = { ...old, ...newer };
const newRelease = { ...squash, ...newer, ...newest };

/** Folders of drizzle-kit 0.x, whose history has no names; and the same files as folders of 1.x. */
const shapes = {
  'drizzle-kit 0.x': journalFolder,
  'drizzle-kit 1.x': (files: TimedFiles) =>
    timestampFolder(
      Object.fromEntries(
        Object.entries(files).map(([tag, [, sql]]) => [inTime(tag), inTime(sql)] as const),
      ),
    ),
};
const inTime = (text: string): string => text.replaceAll(/\b000(\d)_/g, '2024010100000$1_');

/** The state that a boot may leave: the rows, whether the comment says what was replaced, and how often files have run. */
async function stateOf({ query }: Pick<Database, 'query'>, id: string): Promise<unknown> {
  const history = `"plugin_${id}".__drizzle_migrations`;
  const { rows } = await query(
    `SELECT (SELECT count(*)::int FROM ${history}) AS rows, (SELECT runs FROM "plugin_${id}".counter) AS runs,
       obj_description('${history}'::regclass) LIKE '%0003_squash%' OR obj_description('${history}'::regclass) LIKE '%03_squash%' AS marked`,
  );
  return rows[0];
}

const before = { rows: 4, runs: 3, marked: null };
const squashed = { rows: 2, runs: 3, marked: true };
const after = { rows: 3, runs: 4, marked: true };

test('a process that is killed at any message of a squash leaves the replaced rows or the new one', async () => {
  const fresh = await db.fresh();
  const bootAll = async (plugins: readonly Plugin[]): Promise<void> => {
    const { boot } = bootUnderTest({ pool: fresh.url, plugins });
    await boot.start();
    await boot.stop();
  };
  const pluginOf = async (id: string, files: TimedFiles) => ({
    id,
    migrations: await journalFolder(files),
  });
  await bootAll([await pluginOf('shop', oldRelease)]);
  await using first = await startTurnstile(fresh.url);
  const whole = bootUnderTest({ pool: first.url, plugins: [await pluginOf('shop', newRelease)] });
  await whole.boot.start();
  await whole.boot.stop();
  expect(await stateOf(fresh, 'shop')).toEqual(after);
  const places = listPlaces(first);

  const ids = places.map((_, index) => `shop-${index}`);
  await bootAll(await Promise.all(ids.map((id) => pluginOf(id, oldRelease))));
  const plugins = await Promise.all(ids.map((id) => pluginOf(id, newRelease)));
  await killBoots(
    fresh.url,
    plugins.map((plugin, index) => ({ plugin, place: places[index] as StopPlace })),
  );
  const found = new Set<string>();
  for (const id of ids) {
    const state = await stateOf(fresh, id);
    expect([before, squashed, after]).toContainEqual(state);
    found.add(JSON.stringify(state));
  }
  expect(found.size).toBe(3);
  await bootAll(await Promise.all(ids.map((id) => pluginOf(id, newRelease))));
  for (const id of ids) expect(await stateOf(fresh, id)).toEqual(after);
});

const ways = pgbouncer ? (['direct', 'pooled'] as const) : (['direct'] as const);

test.each(Object.keys(shapes).flatMap((shape) => ways.map((way) => [shape, way] as const)))(
  'four replicas of two releases of %s at once, %s: each file counts once, and the older release is stopped or was first',
  async (shape, way) => {
    const write = shapes[shape as keyof typeof shapes];
    const pooler = way === 'pooled' ? await startPgBouncer({ mode: 'transaction' }) : undefined;
    for (let round = 0; round < 4; round += 1) {
      const fresh = await db.fresh();
      const url = pooler?.through(fresh.url) ?? fresh.url;
      const bootOf = async (files: TimedFiles) =>
        bootUnderTest({ pool: url, plugins: [{ id: 'p', migrations: await write(files) }] }).boot;
      // On an empty database, and on one that the older release has migrated.
      const isUpgrade = round % 2 === 1;
      if (isUpgrade) await (await bootOf(oldRelease)).start();
      const boots = await Promise.all([newRelease, oldRelease, newRelease, oldRelease].map(bootOf));
      const ends = await Promise.allSettled(boots.map((boot) => boot.start()));
      const causes = ends.flatMap((end) =>
        end.status === 'rejected' ? [JSON.stringify(end.reason.problems ?? end.reason.code)] : [],
      );
      for (const cause of causes) expect(cause).toContain('MIGRATION_HISTORY_UNKNOWN');
      // The newer release has everything that it replaces.
      const newReplicas = [ends[0]?.status, ends[2]?.status];
      expect(isUpgrade && newReplicas.includes('rejected')).toBe(false);
      const again = await bootOf(newRelease);
      await again.start().catch(async () => {
        // The older release was first, and a replica of the newer one met a part of it.
        await (await bootOf(oldRelease)).start();
        await (await bootOf(newRelease)).start();
      });
      expect(await stateOf(fresh, 'p')).toEqual(after);
      const late = await failureOf((await bootOf(oldRelease)).start());
      expect(late.problems).toMatchObject([{ code: 'MIGRATION_HISTORY_UNKNOWN' }]);
      expect(await stateOf(fresh, 'p')).toEqual(after);
    }
  },
);
