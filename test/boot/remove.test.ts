import { describe, expect, it } from 'vitest';
import {
  collectionRef,
  definePlugin,
  serviceRef,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import { failureOf, useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const authApi = serviceRef<number>('auth.api');
const catalogApi = serviceRef<number>('catalog.api');
const pages = collectionRef<string>('web.pages');

function shop(stopped: string[], options: Partial<BootOptions> = {}): BootUnderTest {
  const plugin = (id: string, more: Partial<Plugin> = {}): Plugin => ({
    id,
    ...more,
    init: (context) => {
      (context as { onStop(handler: () => void): void }).onStop(() => void stopped.push(id));
      return { authApi: 1, catalogApi: 2, pages: id };
    },
  });
  return bootUnderTest({
    pool: db.pool(),
    plugins: [
      plugin('auth', { provides: { authApi } }),
      plugin('catalog', { deps: { authApi }, provides: { catalogApi, pages } }),
      plugin('search', { deps: { catalogApi: catalogApi.optional() } }),
      plugin('web', { deps: { pages } }),
      plugin('audit', { after: ['catalog'] }),
    ],
    ...options,
  });
}

describe('remove()', () => {
  it('stops a plugin that no other one uses, and leaves its schema', async () => {
    const stopped: string[] = [];
    const { boot, recording } = shop(stopped);
    await boot.start();
    const folder = await migrationFolder({ '0000_a': 'CREATE TABLE notes (t text);' });
    await boot.add(definePlugin({ id: 'notes', migrations: folder, deps: { authApi } }));
    await boot.database('notes').query(`INSERT INTO notes VALUES ('kept')`);
    const report = await boot.remove('notes');
    expect(report).toMatchObject({ plugin: 'notes', plugins: ['notes'], outcome: 'done' });
    expect(() => boot.database('notes')).toThrow('This boot has no plugin notes');
    const { rows } = await db.pool().query('SELECT t FROM plugin_notes.notes');
    expect(rows).toEqual([{ t: 'kept' }]);
    expect(await boot.remove('audit')).toMatchObject({ plugins: ['audit'], outcome: 'done' });
    expect(stopped).toEqual(['audit']);
    // It comes back with its data.
    await boot.add(definePlugin({ id: 'notes', migrations: folder }));
    const again = await boot.database('notes').query('SELECT t FROM notes');
    expect(again.rows).toEqual([{ t: 'kept' }]);
    await boot.stop();
    expect(recording.of('removal.finished').map(({ outcome }) => outcome)).toEqual([
      'done',
      'done',
    ]);
    expect(
      recording.lines('plugin.stop.started').filter((line) => line.endsWith(' notes')),
    ).toHaveLength(2);
    const { removals, plugins } = boot.report();
    expect(removals.map(({ plugin }) => plugin)).toEqual(['notes', 'audit']);
    // It has stopped at its own time, and not waited for the way down of the boot.
    expect(plugins.find(({ id }) => id === 'audit')?.stop.waits).toEqual({});
  });

  it('is refused while others use the plugin, and says which ones', async () => {
    const stopped: string[] = [];
    const { boot } = shop(stopped);
    await boot.start();
    const error = await failureOf(boot.remove('catalog'));
    expect(error).toMatchObject({ code: 'REMOVAL_REFUSED', plugin: 'catalog' });
    expect(error.message).toContain('search, web use it');
    expect((await failureOf(boot.remove('auth'))).message).toContain('catalog, search, web');
    expect(stopped).toEqual([]);
    expect(boot.services.get(catalogApi)).toBe(2);
  });

  it('stops those that use it first when it is asked to, and what only comes after it goes on', async () => {
    const stopped: string[] = [];
    const { boot } = shop(stopped);
    await boot.start();
    const report = await boot.remove('catalog', { dependents: 'stop' });
    expect(report.plugins.toSorted()).toEqual(['catalog', 'search', 'web']);
    expect(stopped.slice(0, 2).toSorted()).toEqual(['search', 'web']);
    expect(stopped.slice(2)).toEqual(['catalog']);
    expect(() => boot.services.get(catalogApi)).toThrow('is not up');
    expect(boot.services.get(pages)).toEqual([]);
    await boot.stop();
    expect(stopped.slice(3).toSorted()).toEqual(['audit', 'auth']);
  });

  it('removes a plugin whose stop handler fails, and reports the failure', async () => {
    const { boot } = shop([]);
    await boot.start();
    await boot.add(
      definePlugin({
        id: 'broken',
        init: ({ onStop }) =>
          onStop(() => {
            throw new Error('jammed');
          }),
      }),
    );
    const report = await boot.remove('broken');
    expect(report).toMatchObject({ outcome: 'failed', error: { code: 'STOP_FAILED' } });
    expect((await failureOf(boot.remove('broken'))).message).toContain('broken is not up');
  });

  it('is decided in its turn: after what was asked for before it', async () => {
    const { boot, recording } = shop([]);
    await boot.start();
    const adding = boot.add(definePlugin({ id: 'late', deps: { catalogApi } }));
    const removing = failureOf(boot.remove('catalog'));
    const again = boot.remove('late');
    await adding;
    expect((await removing).message).toContain('search, web, late use it');
    await again;
    expect(recording.lines('removal')).toEqual([
      'removal.finished catalog',
      'removal.started late',
      'removal.finished late',
    ]);
  });

  it('refuses unknown plugins, the host, and wrong options', async () => {
    const folder = await migrationFolder({ '0000_a': 'SELECT 1;' });
    const { boot } = shop([], { host: { migrations: folder } });
    expect((await failureOf(boot.remove('auth'))).code).toBe('BOOT_NOT_UP');
    await boot.start();
    expect((await failureOf(boot.remove('nobody'))).code).toBe('REMOVAL_REFUSED');
    expect((await failureOf(boot.remove('host'))).message).toContain('The host');
    for (const wrong of [undefined, 5, null]) {
      expect((await failureOf(boot.remove(wrong as never))).code).toBe('OPTIONS_INVALID');
    }
    const options = { dependents: 'all' } as never;
    expect((await failureOf(boot.remove('auth', options))).code).toBe('OPTIONS_INVALID');
  });

  it('is canceled by stop(), unless it has begun', async () => {
    const { boot, recording } = shop([]);
    await boot.start();
    const first = boot.remove('web');
    const second = failureOf(boot.remove('audit'));
    await boot.stop();
    expect((await first).outcome).toBe('done');
    expect((await second).code).toBe('BOOT_CANCELED');
    expect(recording.lines('plugin.stop.started').toSorted()).toEqual(
      ['audit', 'auth', 'catalog', 'search', 'web'].map((id) => `plugin.stop.started ${id}`),
    );
  });
});
