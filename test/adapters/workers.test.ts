import { describe, expect, it } from 'vitest';
import { holdLock } from '../http/held-lock.ts';
import { ask } from '../http/listening.ts';
import { useDatabase } from '../support/database.ts';
import { startExample, type ExampleProcess } from '../support/example-process.ts';
import { askUntil, holdTable, someoneWaits } from './waiting.ts';

const db = useDatabase();

const startTwo = (adapter: string, databaseUrl: string): readonly ExampleProcess[] =>
  [1, 2].map(() => startExample(`adapters/${adapter}/main.ts`, { databaseUrl }));

const allUp = (processes: readonly ExampleProcess[]): Promise<unknown> =>
  Promise.all(processes.map(({ heard }) => heard(/^worker: up$/)));

/** The lines of all processes that match. */
const linesOf = (processes: readonly ExampleProcess[], pattern: RegExp): readonly string[] =>
  processes.flatMap(({ lines }) => lines.filter((line) => pattern.test(line)));

/** Sends SIGTERM to all, and resolves with their exit codes; calls `meanwhile` when each of them has begun to stop. */
async function stopAll(
  processes: readonly ExampleProcess[],
  meanwhile: () => Promise<void> = async () => {},
): Promise<readonly unknown[]> {
  const addresses = await Promise.all(processes.map(({ address }) => address()));
  for (const each of processes) each.send('SIGTERM');
  await Promise.all(
    addresses.map((address) => askUntil(`${address}/readyz`, ({ status }) => status !== 200)),
  );
  await meanwhile();
  return Promise.all(processes.map(({ ended }) => ended));
}

describe('the worker process', () => {
  it('shares the work with its replicas, each piece once, and ends what it has begun', async () => {
    const { url, query } = await db.fresh();
    const workers = startTwo('worker', url);
    await allUp(workers);
    const probe = await ask(`${await workers[0]?.address()}/readyz`);
    expect(probe).toMatchObject({ status: 200, body: { code: 'READY' } });

    await query(
      "INSERT INTO plugin_mails.mails (recipient) SELECT 'r' || n FROM generate_series(1, 20) n",
    );
    await expect.poll(() => linesOf(workers, /^mails: sent/)).toHaveLength(20);
    expect(new Set(linesOf(workers, /^mails: sent/)).size).toBe(20);

    // From now on, each mail waits for the test.
    await using lock = await holdLock(url, 7n);
    await query(`CREATE FUNCTION plugin_mails.wait() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END'`);
    await query(`CREATE TRIGGER wait BEFORE UPDATE ON plugin_mails.mails
      FOR EACH ROW EXECUTE FUNCTION plugin_mails.wait()`);
    await query("INSERT INTO plugin_mails.mails (recipient) VALUES ('the last')");
    await someoneWaits(query, "locktype = 'advisory'");
    expect(await stopAll(workers, () => lock.release())).toEqual([0, 0]);
    expect(linesOf(workers, /sent to the last/)).toHaveLength(1);
    for (const { lines } of workers) expect(lines.at(-1)).toBe('mails: stopped');
  });
});

describe('graphile-worker', () => {
  it('comes up in two processes at once, and ends the job under way before its plugin is stopped', async () => {
    const { url, query } = await db.fresh();
    const workers = startTwo('graphile-worker', url);
    await allUp(workers);
    await expect.poll(() => linesOf(workers, /^signups: welcomed Ada$/)).toHaveLength(2);

    await using table = await holdTable(url, 'plugin_signups.readers');
    await query(`SELECT graphile_worker.add_job('welcome', '{"name": "Ada"}')`);
    await table.isWanted();
    expect(await stopAll(workers, () => table.release())).toEqual([0, 0]);
    expect(linesOf(workers, /^signups: welcomed Ada$/)).toHaveLength(3);
    for (const { lines } of workers) {
      expect(lines.filter((line) => /^(?:jobs|signups): stopped$/.test(line))).toEqual([
        'jobs: stopped',
        'signups: stopped',
      ]);
      expect(lines.at(-1)).toBe('signups: stopped');
    }
    const { rows } = await query(
      'SELECT count(*)::int AS jobs FROM graphile_worker.jobs WHERE attempts < max_attempts',
    );
    expect(rows).toEqual([{ jobs: 0 }]);
  });
});
