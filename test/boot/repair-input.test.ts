import { describe, expect, it } from 'vitest';
import { createRepair, type Repair } from '../../src/index.ts';
import { failureOf } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { stateOf } from '../support/repairs.ts';

const db = useDatabase();

async function repairOf(fresh = db.url): Promise<Repair> {
  const migrations = await migrationFolder({
    '0000_init': 'SELECT 1;',
    '0001_prices': 'SELECT 2;',
  });
  const plugins = [
    { id: 'catalog', migrations },
    { id: 'mail', init: () => undefined },
  ];
  return createRepair({ pool: fresh, plugins });
}

/** As JavaScript may call it. */
const call = (repair: Repair, name: keyof Repair, ...given: readonly unknown[]): Promise<unknown> =>
  (repair[name] as (...all: readonly unknown[]) => Promise<unknown>)(...given);

describe('a repair refuses by name', () => {
  it.each<[keyof Repair, readonly unknown[], string]>([
    ['baseline', [], 'Expected plugin to be the id of a plugin, got undefined'],
    ['baseline', [7], 'Expected plugin to be the id of a plugin, got 7'],
    ['baseline', ['catalog', 'all'], 'Expected baseline to be an object, got "all"'],
    [
      'baseline',
      ['catalog', { dryrun: true }],
      'baseline has no option dryrun. Did you mean dryRun?',
    ],
    [
      'baseline',
      ['catalog', { dryRun: 'yes' }],
      'Expected baseline.dryRun to be true or false, got "yes"',
    ],
    ['baseline', ['catalog', { upTo: 3 }], 'Expected baseline.upTo to be a name, got 3'],
    [
      'baseline',
      ['catalog', { wait: 'long' }],
      'Expected baseline.wait to be a duration of at most 24 days, as ms or like \'5s\', got "long"',
    ],
    ['markApplied', ['catalog'], 'Expected files to be an array, got undefined'],
    ['markApplied', ['catalog', '0000_init'], 'Expected files to be an array, got "0000_init"'],
    ['markApplied', ['catalog', []], 'Expected files to be at least one name, got an array of 0'],
    [
      'acceptEdited',
      ['catalog', { files: [''] }],
      'Expected acceptEdited.files[0] to be a name, got ""',
    ],
    [
      'relocate',
      ['catalog', { objects: 'items' }],
      'Expected relocate.objects to be an array, got "items"',
    ],
    [
      'relocate',
      ['catalog', { object: ['items'] }],
      'relocate has no option object. Did you mean objects?',
    ],
    [
      'holder',
      ['catalog', { terminate: 1 }],
      'Expected holder.terminate to be true or false, got 1',
    ],
  ])('%s(…%j)', async (name, given, message) => {
    const error = await failureOf(call(await repairOf(), name, ...given));
    expect(error).toMatchObject({ code: 'OPTIONS_INVALID', message });
  });

  it.each<[keyof Repair, readonly unknown[], string, string]>([
    [
      'baseline',
      ['catlog'],
      'catlog: no plugin of this boot has that id. Did you mean catalog?',
      'With migrations there are catalog.',
    ],
    [
      'relocate',
      ['x"; --'],
      'x"; --: no plugin of this boot has that id.',
      'With migrations there are catalog.',
    ],
    ['holder', ['mail'], 'mail: it has no migrations', 'With migrations there are catalog.'],
    [
      'markApplied',
      ['catalog', ['0001_price.sql']],
      'catalog: its folder has no migration 0001_price.sql. Did you mean 0001_prices.sql?',
      'It has 0000_init.sql, 0001_prices.sql.',
    ],
    [
      'baseline',
      ['catalog', { upTo: 'xyz' }],
      'catalog: its folder has no migration xyz.',
      'It has 0000_init.sql, 0001_prices.sql.',
    ],
    [
      'acceptEdited',
      ['catalog', { files: ['xyz'] }],
      'catalog: its folder has no migration xyz.',
      'It has 0000_init.sql, 0001_prices.sql.',
    ],
    [
      'relocate',
      ['catalog', { objects: ['items'] }],
      'catalog: items is not one of its objects in public.',
      'There is nothing to move.',
    ],
  ])('%s(…%j), which is not there', async (name, given, message, hint) => {
    const fresh = await db.fresh();
    const error = await failureOf(call(await repairOf(fresh.url), name, ...given));
    expect(error).toMatchObject({ code: 'REPAIR_REFUSED', message, hint });
    expect(await stateOf(fresh)).toEqual({ rows: [], histories: [] });
  });

  it('a table that only has the name of a history', async () => {
    const fresh = await db.fresh();
    await fresh.query(
      'CREATE SCHEMA plugin_catalog; CREATE TABLE plugin_catalog.__drizzle_migrations (x int)',
    );
    const repair = await repairOf(fresh.url);
    for (const name of ['baseline', 'acceptEdited'] as const) {
      const error = await failureOf(repair[name]('catalog'));
      expect(error.code).toBe('REPAIR_FAILED');
      expect(error.hint).toContain('rename it');
    }
    expect((await failureOf(repair.relocate('catalog'))).code).toBe('MIGRATION_HISTORY_UNKNOWN');
  });

  it('a database that takes no writes', async () => {
    const fresh = await db.fresh();
    await fresh.query(`ALTER DATABASE ${fresh.name} SET default_transaction_read_only = on`);
    const error = await failureOf((await repairOf(fresh.url)).baseline('catalog'));
    expect(error.code).toBe('DATABASE_READ_ONLY');
  });

  it('a folder that cannot be read: its own always, that of others only where things move', async () => {
    const fresh = await db.fresh();
    const catalog = {
      id: 'catalog',
      migrations: await migrationFolder({ '0000_init': 'SELECT 1;' }),
    };
    const broken = { id: 'broken', migrations: '/nowhere' };
    const repair = createRepair({ pool: fresh.url, plugins: [catalog, broken] });
    expect((await repair.baseline('catalog')).changes).toHaveLength(1);
    for (const refused of [() => repair.baseline('broken'), () => repair.relocate('catalog')]) {
      const error = await failureOf(refused());
      expect(error).toMatchObject({
        code: 'PLAN_INVALID',
        problems: [{ code: 'MIGRATION_FILES_INVALID', plugin: 'broken' }],
      });
    }
  });
});
