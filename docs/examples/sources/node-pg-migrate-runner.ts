import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runner, type RunnerOption } from 'node-pg-migrate';
import type { ClientBase } from 'pg';
import { definePlugin } from 'slipway';

const dir = fileURLToPath(new URL('./existing', import.meta.url));

/**
 * node-pg-migrate's own runner, for a folder whose history in `pgmigrations` its command line is to go on with. It begins
 * transactions by itself, so each migration runs outside of Slipway's, under Slipway's lock: when the process dies right after
 * one, it is asked for again, and the runner finds it in its own table.
 */
export const ledger = definePlugin({
  id: 'ledger',
  migrations: readdirSync(dir)
    .toSorted()
    .map((file) => ({
      name: file.replace(/\.\w+$/, ''),
      transaction: false,
      run: (client, { schema }) =>
        runner({
          dbClient: client as unknown as ClientBase,
          dir,
          file: file.replace(/\.\w+$/, ''),
          direction: 'up',
          migrationsTable: 'pgmigrations',
          migrationsSchema: schema,
          noLock: true,
          checkOrder: false,
          log: () => undefined,
        } satisfies RunnerOption),
    })),
});
