import { expect, test } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { startProxy } from '../support/proxy.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

// 300: enough that one statement a plugin, or one for every hundred of them, would show.
test.each([1, 10, 100, 300])(
  'a boot of %i plugins with nothing to migrate sends two statements before the first init, and none for the rest',
  async (count) => {
    const fresh = await db.fresh();
    const plugins = await migratedPlugins(fresh, count);
    await using proxy = await startProxy(fresh.url);
    const { boot, recording } = bootUnderTest({ pool: proxy.url, plugins });
    let beforeInit: readonly string[] = [];
    boot.once('plugin.init.started', () => {
      beforeInit = [...proxy.statements];
    });
    const report = await boot.start();
    expect(beforeInit).toHaveLength(2);
    expect(report.database).toMatchObject({ statements: 2 });
    const all = (outcome: string) =>
      Object.fromEntries(plugins.map(({ id }) => [id, outcome] as const));
    expect(recording.outcomes('migrate')).toEqual(all('upToDate'));
    expect(recording.outcomes('init')).toEqual(all('done'));
    await boot.stop();
    expect(proxy.statements).toEqual(beforeInit);
  },
);

/** Plugins whose histories say that they are migrated: the first one is, and the others have a copy of its history. */
async function migratedPlugins(fresh: Database, count: number): Promise<readonly Plugin[]> {
  const ids = Array.from({ length: count }, (_, index) => `p-${index}`);
  const alike = await alikePlugins(ids, {
    '0000_init': 'CREATE TABLE items (id int);',
    '0001_name': 'ALTER TABLE items ADD name text;',
  });
  const plugins = alike.map((plugin): Plugin => ({ ...plugin, init: () => undefined }));
  await bootUnderTest({ pool: fresh.url, plugins: plugins.slice(0, 1) }).boot.migrate();
  await fresh.query(`DO $$ BEGIN FOR n IN 1..${count - 1} LOOP
    EXECUTE format('CREATE SCHEMA %1$I;
      CREATE TABLE %1$I.__drizzle_migrations (LIKE "plugin_p-0".__drizzle_migrations);
      INSERT INTO %1$I.__drizzle_migrations TABLE "plugin_p-0".__drizzle_migrations', 'plugin_p-' || n);
  END LOOP; END $$`);
  return plugins;
}
