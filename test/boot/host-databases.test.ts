import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { BootError, definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

function codeOf(ask: () => unknown): unknown {
  try {
    ask();
  } catch (error) {
    return error instanceof BootError ? error.code : error;
  }
  return 'open';
}

describe('boot.database()', () => {
  it('refuses until every migration has succeeded, works until the boot has ended, and refuses again', async () => {
    const { pool } = await shop();
    const ofPlugin = await migrationFolder({ '0000_a': 'CREATE TABLE items (name text);' });
    const { boot } = bootUnderTest({
      pool,
      plugins: [definePlugin({ id: 'catalog', migrations: ofPlugin }), { id: 'audit' }],
    });
    const ask = (): Pool => boot.database('catalog');
    const seen: unknown[] = [codeOf(ask)];
    boot.onAny(({ type }) => {
      if (type === 'survey.finished' || type === 'plugin.migrate.finished') seen.push(codeOf(ask));
    });
    boot.on('phase.finished', ({ phase }) => {
      if (phase === 'migrateAll') seen.push(codeOf(ask));
    });
    await boot.start();
    const early = 'DATABASE_NOT_MIGRATED';
    expect(seen).toEqual([early, early, early, early, 'open']);
    const database = ask();
    expect(ask()).toBe(database);
    await database.query(`insert into items values ('of the host')`);
    const { rows } = await pool.query('select name from plugin_catalog.items');
    expect(rows).toEqual([{ name: 'of the host' }]);
    expect(codeOf(() => boot.database('catlog'))).toBe('OPTIONS_INVALID');
    await boot.stop();
    expect(codeOf(ask)).toBe('DATABASE_CLOSED');
    expect(await failureOf(database.query('select 1'))).toMatchObject({ code: 'DATABASE_CLOSED' });
  });

  it('stays closed when a migration has failed', async () => {
    const { pool } = await shop();
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE items (name nothing);' });
    const { boot } = bootUnderTest({
      pool,
      plugins: [definePlugin({ id: 'catalog', migrations })],
    });
    const seen: unknown[] = [];
    boot.on('phase.finished', () => void seen.push(codeOf(() => boot.database('catalog'))));
    await failureOf(boot.start());
    expect(new Set(seen)).toEqual(new Set(['DATABASE_NOT_MIGRATED']));
    expect(codeOf(() => boot.database('catalog'))).toBe('DATABASE_CLOSED');
  });

  it('stays closed for an optional plugin whose own migration has failed, and for no other', async () => {
    const { pool } = await shop();
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE items (name nothing);' });
    const { boot } = bootUnderTest({
      pool,
      plugins: [definePlugin({ id: 'catalog', migrations, required: false }), { id: 'audit' }],
    });
    expect(await boot.start()).toMatchObject({ outcome: 'degraded' });
    expect(codeOf(() => boot.database('catalog'))).toBe('DATABASE_NOT_MIGRATED');
    expect(codeOf(() => boot.database('audit'))).toBe('open');
  });

  it('leaves no client behind that the host has not released, and warns of it', async () => {
    const { pool } = await shop();
    const { boot } = bootUnderTest({ pool, plugins: [{ id: 'catalog' }] });
    await boot.start();
    await boot.database('catalog').connect();
    await boot.stop();
    expect(boot.report().warnings).toMatchObject([
      { plugin: 'catalog', message: expect.stringContaining('did not release') as string },
    ]);
    await pool.end();
    expect(pool.totalCount).toBe(0);
  });
});

async function shop(): Promise<{ readonly pool: Pool }> {
  const fresh = await db.fresh();
  return { pool: fresh.pool({ max: 4 }) };
}
