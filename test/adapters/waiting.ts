import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { ask, type Answer } from '../http/listening.ts';
import type { Database } from '../support/database.ts';

/** Asks again until the answer is the one that is waited for. A server that does not listen answers with the status 0. */
export async function askUntil(url: string, isIt: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask(url).catch(() => refused);
    if (isIt(answer)) return answer;
    await pause(20);
  }
}

const refused: Answer = { status: 0, headers: new Headers(), body: undefined };

/** Resolves once a session of the database waits for a lock; `which` is a condition on `pg_locks`. */
export async function someoneWaits(query: Database['query'], which: string): Promise<void> {
  const waiting = `SELECT FROM pg_locks WHERE NOT granted AND ${which}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  while (!(await query(waiting)).rowCount) await pause(20);
}

/** A table on which each statement that writes waits for the test. */
export interface HeldTable extends AsyncDisposable {
  /** Resolves once such a statement waits. */
  isWanted(): Promise<void>;
  release(): Promise<void>;
}

/** Locks a table against writing until it is released, at the latest at the end of the scope. */
export async function holdTable(url: string, table: string): Promise<HeldTable> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`LOCK TABLE ${table} IN SHARE MODE`);
  let ending: Promise<void> | undefined;
  const release = (): Promise<void> => {
    ending ??= client.end();
    return ending;
  };
  return {
    isWanted: () =>
      someoneWaits((sql, values) => client.query(sql, values), `relation = '${table}'::regclass`),
    release,
    [Symbol.asyncDispose]: release,
  };
}
