import { expect } from 'vitest';
import type { Plugin } from '../../src/index.ts';
import type { Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { applicationNames, lookThroughPooler, untouched } from '../support/server-sessions.ts';

/** Plugins, every second one after the one before it, each with a counter that its migrations raise twice. */
export async function counters(...ids: readonly string[]): Promise<Plugin[]> {
  return Promise.all(
    ids.map(async (id, index): Promise<Plugin> => {
      const migrations = await migrationFolder({
        '0000_init': `create type "public"."state" as enum ('new');--> statement-breakpoint\ncreate table counter (n int, s "public"."state");`,
        '0001_first': 'insert into counter values (0); update counter set n = n + 1;',
        '0002_second': 'update counter set n = n + 1;',
      });
      return { id, migrations, ...(index % 2 === 1 && { after: [ids[index - 1] ?? ''] }) };
    }),
  );
}

/** Fails when a migration of {@link counters} was applied twice, or not at all. */
export async function expectCountedOnce(
  { query }: Pick<Database, 'query'>,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    const { rows } = await query(
      `select n, (select count(*)::int from plugin_${id}.__drizzle_migrations) as files from plugin_${id}.counter`,
    );
    expect(rows, id).toEqual([{ n: 2, files: 3 }]);
  }
}

/** Fails when one of the server sessions of a pooler is not as a new one. */
export async function expectNothingLeft(
  database: Pick<Database, 'query'>,
  pooled: string,
  size = 2,
): Promise<void> {
  // First: a pooler that links a session to its next client makes the name right.
  // It resets a session a moment after its client has left.
  await expect
    .poll(() => applicationNames(database), { timeout: 5_000 })
    .not.toContainEqual(expect.stringContaining('slipway/'));
  const sessions = await lookThroughPooler(pooled, size);
  expect(new Set(sessions.map(({ pid }) => pid)).size).toBe(size);
  for (const session of sessions) expect(session).toMatchObject(untouched);
}
