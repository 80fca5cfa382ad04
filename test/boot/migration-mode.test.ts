import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function given(): Promise<{
  readonly url: string;
  readonly apply: BootOptions;
  readonly query: typeof db.query;
}> {
  const { url, query } = await db.fresh();
  const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
  return {
    url,
    apply: { pool: url, plugins: [{ id: 'a', migrations, init: () => {} }] },
    query,
  };
}

describe('migrations.mode', () => {
  it("'verify' fails when something is pending, and changes nothing", async () => {
    const { apply, query } = await given();
    const { boot } = bootUnderTest({ ...apply, migrations: { mode: 'verify' } });
    const error = await failureOf(boot.start());
    expect(error.code).toBe('PLAN_INVALID');
    expect(error.problems).toMatchObject([
      {
        code: 'MIGRATION_PENDING',
        plugin: 'a',
        message: 'a has migrations that are not applied: 0000_a.sql',
      },
    ]);
    expect((await query("SELECT to_regnamespace('plugin_a') AS found")).rows).toEqual([
      { found: null },
    ]);
  });

  it("'verify' starts when nothing is pending, also with a role that may only read", async () => {
    const { url: owner, apply, query } = await given();
    const { boot: job } = bootUnderTest(apply);
    await job.migrate();
    const role = `reader_${Date.now()}`;
    await query(`CREATE ROLE ${role} LOGIN`);
    await query(`GRANT USAGE ON SCHEMA plugin_a TO ${role}`);
    await query(`GRANT SELECT ON plugin_a.__drizzle_migrations TO ${role}`);
    const url = new URL(owner);
    url.username = role;
    const { boot } = bootUnderTest({ ...apply, pool: url.href, migrations: { mode: 'verify' } });
    expect((await boot.start()).outcome).toBe('ready');
    await boot.stop();
    await query(`DROP OWNED BY ${role}`);
    await query(`DROP ROLE ${role}`);
  });

  it("'wait' waits for the migrate job next door, and says for whom", async () => {
    const { apply } = await given();
    const { boot, recording } = bootUnderTest({ ...apply, migrations: { mode: 'wait' } });
    const waiting = new Promise<void>((resolve) => boot.once('boot.waiting', () => resolve()));
    const started = boot.start();
    await waiting;
    const { boot: job } = bootUnderTest(apply);
    await job.migrate();
    expect((await started).outcome).toBe('ready');
    expect(recording.of('boot.waiting')[0]).toMatchObject({
      kind: 'gate',
      reason: 'migrations of a are pending',
    });
    // Each look counts. What the job has committed goes to the disk once more: it may not have waited.
    const [survey] = recording.of('survey.finished');
    const phase = recording.of('phase.finished').find((each) => each.phase === 'migrateAll');
    expect(survey?.statements).toBe((phase?.statements ?? 0) - 1);
    expect(recording.of('migrations.durable')).toMatchObject([{ plugins: 1 }]);
    expect(survey?.statements).toBeGreaterThan(recording.of('boot.waiting').length);
    expect(recording.outcomes('migrate')).toEqual({ a: 'upToDate' });
  });

  it("'wait' gives up after migrations.lockWait", async () => {
    const { apply } = await given();
    const { boot } = bootUnderTest({ ...apply, migrations: { mode: 'wait', lockWait: 50 } });
    const error = await failureOf(boot.start());
    expect(error.problems?.[0]?.message).toMatch(/not applied: 0000_a\.sql, after 50ms$/);
    expect(error.problems?.[0]?.hint).toContain('Check that the migrate job ran');
  });

  it("'wait' can be stopped", async () => {
    const { apply } = await given();
    const { boot } = bootUnderTest({ ...apply, migrations: { mode: 'wait' } });
    boot.once('boot.waiting', () => void boot.stop('SIGTERM'));
    expect(await failureOf(boot.start())).toMatchObject({ code: 'BOOT_CANCELED' });
  });
});
