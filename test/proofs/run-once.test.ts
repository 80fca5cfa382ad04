import { beforeAll, expect, test, vi } from 'vitest';
import type { RunOnceOptions } from '../../src/index.ts';
import { useDatabase } from '../support/database.ts';
import { startRunOnceProcess, type RunOnceProcess } from '../support/run-once-process.ts';
import { untilRefused } from '../postgres/run-once-fixture.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
beforeAll(() =>
  db.query(
    'create table public.began (key text, pid int); create table public.ended (key text, pid int)',
  ),
);

/** Starts so many processes, and lets all of them call at once, while the gate in the middle of the work is shut. */
async function callAtOnce(processes: number, key: string, options: RunOnceOptions) {
  const replicas = await Promise.all(Array.from({ length: processes }, startRunOnceProcess));
  const gate = await db.pool().connect();
  await gate.query('select pg_advisory_lock(1)');
  const first = Promise.race(replicas.map((replica) => replica.began()));
  const calls = new Map(
    replicas.map((replica) => [replica, replica.carryOut({ url: db.url, key, options })]),
  );
  for (const call of calls.values()) call.catch(() => undefined);
  const runner = await first;
  const others = replicas.filter((replica) => replica !== runner);
  const open = async (): Promise<void> => {
    await gate.query('select pg_advisory_unlock(1)');
    gate.release();
  };
  const outcomeOf = async (replica: RunOnceProcess): Promise<string> =>
    (await calls.get(replica)) ?? 'not called';
  const outcomes = async () => (await Promise.all(others.map(outcomeOf))).toSorted();
  return { runner, others, open, outcomeOf, outcomes };
}

async function pidsIn(
  table: 'began' | 'ended' | 'remembered',
  key: string,
): Promise<readonly number[]> {
  const from =
    table === 'remembered' ? 'slipway.once where remembered and' : `public.${table} where`;
  const { rows } = await db.query<{ pid: number }>(`select pid from ${from} key = $1`, [key]);
  return rows.map(({ pid }) => pid);
}

test.each([{}, { remember: true }])(
  'of five processes that call at once one runs the work, and four wait for its end: %j',
  async (options) => {
    const key = `race ${JSON.stringify(options)}`;
    const race = await callAtOnce(5, key, options);
    await untilRefused(db, 4);
    await race.open();
    expect(await race.outcomeOf(race.runner)).toBe('ran');
    expect(await race.outcomes()).toEqual(Array(4).fill('waited'));
    expect(await pidsIn('began', key)).toEqual([race.runner.pid]);
    expect(await pidsIn('ended', key)).toEqual([race.runner.pid]);
    expect(await pidsIn('remembered', key)).toEqual('remember' in options ? [race.runner.pid] : []);
    // A later boot.
    const later = await startRunOnceProcess();
    const outcome = await later.carryOut({ url: db.url, key, options });
    expect(outcome).toBe('remember' in options ? 'remembered' : 'ran');
  },
);

test('of five processes four skip the work that one runs', async () => {
  const key = 'skipping';
  const race = await callAtOnce(5, key, { others: 'skip' });
  expect(await race.outcomes()).toEqual(Array(4).fill('skipped'));
  await race.open();
  expect(await race.outcomeOf(race.runner)).toBe('ran');
  expect(await pidsIn('began', key)).toEqual([race.runner.pid]);
});

test.each([{}, { remember: true }])(
  'when the process that runs the work is killed in the middle, exactly one other runs it to its end: %j',
  async (options) => {
    const key = `kill ${JSON.stringify(options)}`;
    const race = await callAtOnce(5, key, options);
    await untilRefused(db, 4);
    await race.runner.kill();
    await expect(race.outcomeOf(race.runner)).rejects.toThrow('SIGKILL');
    await race.open();
    expect(await race.outcomes()).toEqual(['ran', 'waited', 'waited', 'waited']);
    const ended = await pidsIn('ended', key);
    expect(race.others.map(({ pid }) => pid)).toEqual(expect.arrayContaining([...ended]));
    expect(await pidsIn('began', key)).toEqual([race.runner.pid, ...ended]);
    expect(ended).toHaveLength(1);
    expect(await pidsIn('remembered', key)).toEqual('remember' in options ? ended : []);
  },
);
