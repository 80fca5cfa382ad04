import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { definePlugin, readHistory, type Plugin } from '../../src/index.ts';
import { blame, diff, headline, readStory } from '../../src/insight.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const quick = definePlugin({ id: 'quick', version: '1.0.0', init() {} });

/** Boots plugins with a history, and stops them again. */
async function bootOnce(url: string, plugins: readonly Plugin[]): Promise<void> {
  const { boot } = bootUnderTest({ pool: url, plugins, history: true });
  await boot.start();
  await boot.stop('the next one');
}

describe('the history of boots', () => {
  it('has each boot that got ready, the latest one first', async () => {
    const { url } = await db.fresh();
    expect(await readHistory(url)).toEqual([]);
    const hostApp = { name: 'shop', version: '2.1.0' };
    const { boot } = bootUnderTest({ pool: url, plugins: [quick], history: true, hostApp });
    const { durationMs } = await boot.start();
    await boot.stop();
    await bootOnce(url, [quick]);
    const [second, first] = await readHistory(url);
    expect(first).toMatchObject({ bootId: boot.id, outcome: 'ready', durationMs, app: hostApp });
    expect(second).not.toHaveProperty('app');
    expect(second?.startedAt).toBeGreaterThanOrEqual(first?.startedAt ?? Number.NaN);
    expect(await readHistory(url, { last: 1 })).toEqual([second]);
  });

  it('answers the questions about its boots as a recording does', async () => {
    const { url } = await db.fresh();
    const [catalog] = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a ()' });
    await bootOnce(url, [quick]);
    await bootOnce(url, [{ ...quick, version: '1.1.0' }, ...(catalog ? [catalog] : [])]);
    const [after, before] = await Promise.all(
      (await readHistory(url)).map(({ lines }) => readStory(lines)),
    );
    if (!before || !after) throw new Error('There are two boots');
    expect(headline(after)).toMatch(/^All 2 plugins are up after /);
    expect(blame(after).map(({ plugin, step }) => `${plugin} ${step}`)).toContain(
      'catalog migrate',
    );
    const { totalMs, parts, changes } = diff(before, after);
    expect(parts.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(totalMs, 6);
    expect(changes.map(({ sentence }) => sentence)).toEqual(
      expect.arrayContaining(['the version of quick was 1.0.0, and is 1.1.0', 'catalog is new']),
    );
  });

  it('is written after the boot is ready: no init finds its table, and stop() waits for it', async () => {
    const { url, query } = await db.fresh();
    const seen: unknown[] = [];
    const look = definePlugin({
      id: 'look',
      async init() {
        seen.push((await query("SELECT to_regclass('slipway.boots') IS NULL AS none")).rows);
      },
    });
    await bootOnce(url, [look]);
    expect(seen).toEqual([[{ none: true }]]);
    expect(await readHistory(url)).toHaveLength(1);
  });

  it('keeps the last 100 boots', async () => {
    const { url, query } = await db.fresh();
    await bootOnce(url, [quick]);
    await query(`INSERT INTO slipway.boots SELECT gen_random_uuid(), now() - n * interval '1 hour', 1, 'ready', 'h', null, null, ''
      FROM generate_series(1, 120) n`);
    await bootOnce(url, [quick]);
    const { rows } = await query(
      "SELECT count(*)::int AS kept, min(started_at) < now() - interval '99 hours' AS old FROM slipway.boots",
    );
    expect(rows).toEqual([{ kept: 100, old: false }]);
    expect((await readHistory(url, { last: 2 })).every(({ host }) => host !== 'h')).toBe(true);
  });

  it('has no boot that failed, and none that only migrated', async () => {
    const { url, query } = await db.fresh();
    const failing = definePlugin({
      id: 'failing',
      init() {
        throw new Error('no');
      },
    });
    await failureOf(bootUnderTest({ pool: url, plugins: [failing], history: true }).boot.start());
    await bootUnderTest({ pool: url, plugins: [quick], history: true }).boot.migrate();
    const { rows } = await query("SELECT to_regnamespace('slipway') IS NULL AS none");
    expect(rows).toEqual([{ none: true }]);
  });

  it('is written by processes that boot at once', async () => {
    const { url } = await db.fresh();
    await Promise.all(Array.from({ length: 6 }, () => bootOnce(url, [quick])));
    expect(await readHistory(url)).toHaveLength(6);
  });

  it('that cannot be written is a warning, and the boot stays up', async () => {
    const { url, query, name } = await db.fresh();
    await query(`CREATE ROLE "${name}_app" LOGIN`);
    const own = new URL(url);
    own.username = `${name}_app`;
    const { boot } = bootUnderTest({ pool: own.href, plugins: [quick], history: true });
    const warned = new Promise<string>((resolve) =>
      boot.once('boot.warning', ({ message }) => resolve(message)),
    );
    await boot.start();
    expect(await warned).toMatch(/^The history of boots was not written: permission denied/);
    expect(boot.state().phase).toBe('ready');
    await boot.stop();
    await query(`DROP ROLE "${name}_app"`);
  });

  it('does not keep a boot from going down while its pool has no client to give', async () => {
    const { url } = await db.fresh();
    const pool = new Pool({ connectionString: url, max: 1 });
    const greedy = definePlugin({
      id: 'greedy',
      async ready({ onStop }) {
        const client = await pool.connect();
        onStop(() => client.release());
      },
    });
    const { boot } = bootUnderTest({ pool, plugins: [greedy], history: true });
    await boot.start();
    await boot.stop();
    await pool.end();
    expect(await readHistory(url)).toHaveLength(1);
  });

  it('has neither texts of SQL nor what a plugin exports', async () => {
    const { url, query } = await db.fresh();
    const plugins = await alikePlugins(['catalog'], {
      '0000_a': "CREATE TABLE a (b text DEFAULT 'hunter2')",
    });
    await bootOnce(url, plugins);
    await untilFound({ query }, 'SELECT 1 FROM slipway.boots');
    const { rows } = await query<{ recording: string }>('SELECT recording FROM slipway.boots');
    expect(rows[0]?.recording).toContain('0000_a');
    expect(rows[0]?.recording).not.toMatch(/hunter2|CREATE TABLE/);
  });

  it('of a server that refuses is not waited for, and no option is named that would wait', async () => {
    const { code, hint } = await failureOf(readHistory('postgres://127.0.0.1:1/none'));
    expect(code).toBe('DATABASE_UNREACHABLE');
    expect(hint).toBe('Check that the server runs and that the address and password are right.');
  });

  it.each([0, 101, 1.5, '5'])('refuses to read the last %j boots', async (last) => {
    const error = await failureOf(
      readHistory('postgres://127.0.0.1:1/none', { last: last as number }),
    );
    expect(error.code).toBe('OPTIONS_INVALID');
  });
});
