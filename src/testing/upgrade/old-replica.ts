import { setTimeout as pause } from 'node:timers/promises';
import { readMessage } from '../../core/foreign-value.ts';
import { quoteIdentifier } from '../../postgres/sql/identifier.ts';
import type { FreshDatabase } from '../stock/fresh-database.ts';
import type { Table } from '../stock/read-tables.ts';
import { tryInsert, type RowMaker } from './generate-rows.ts';

/** The work that an old replica goes on with during an upgrade. */
export interface Work {
  /** Works once more, ends, and returns how it failed for the first time. */
  end(): Promise<string | undefined>;
}

const pauseMs = 5;

/** Calls `run` again and again until it is ended. */
export function keepWorking(run: () => Promise<unknown>): Work {
  const over = new AbortController();
  let failure: string | undefined;
  const attempt = async (): Promise<void> => {
    try {
      await run();
    } catch (error) {
      failure ??= readMessage(error);
    }
  };
  const working = (async () => {
    while (!over.signal.aborted) {
      await attempt();
      await pause(pauseMs);
    }
    // Once more, now that the new release is done.
    await attempt();
  })();
  return {
    async end() {
      over.abort();
      await working;
      return failure;
    },
  };
}

/**
 * Reads from every table and writes to it as an old replica does, and takes the writing back: it waits for whatever lock keeps
 * others away. What it may not do is found by other checks.
 */
export async function touchTables(
  database: Pick<FreshDatabase, 'ask'>,
  tables: readonly Table[],
  makers: readonly RowMaker[],
): Promise<void> {
  for (const { schema, table } of tables) {
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
    await database.ask(`select from ${name} limit 1`).catch(() => undefined);
  }
  for (const maker of makers) await tryInsert(database, maker);
}
