import { createBoot } from 'slipway';
import { withClient } from '../support/leaks.ts';
import type { TestDatabase } from '../support/test-database.ts';
import { withDatabase } from './fresh-database.ts';
import { generateFiles, withMigratingPlugins } from './generated-plugins.ts';
import { sampleOf, type Rounds, type Sample } from './measure.ts';
import { watchQueries } from './watch-queries.ts';

/** What the look for objects outside of a plugin's schema adds to each file. */
export interface GuardResult {
  /** In `pg_class`, beside PostgreSQL's own. */
  readonly relations: number;
  readonly guarded: Sample;
  /** With `strayObjects: 'off'`. */
  readonly unguarded: Sample;
}

const filesPerBoot = 20;

/** Measures the messages of files, with and without the look, in a database that is full of other things. */
export function measureGuard(
  adminUrl: string,
  relations: number,
  { rounds, warmUps }: Rounds,
): Promise<GuardResult> {
  return withDatabase(adminUrl, async (database) => {
    await fill(database, relations);
    const guarded: number[] = [];
    const unguarded: number[] = [];
    for (let round = -warmUps; round < rounds; round += 1) {
      const withLook = await fileTimes(database, 'error');
      const without = await fileTimes(database, 'off');
      if (round < 0) continue;
      guarded.push(...withLook);
      unguarded.push(...without);
    }
    return { relations, guarded: sampleOf(guarded), unguarded: sampleOf(unguarded) };
  });
}

/** Installs one plugin anew: none but the last file waits for the disk, and that one is left out. */
async function fileTimes(
  database: TestDatabase,
  strayObjects: 'error' | 'off',
): Promise<readonly number[]> {
  const install = withMigratingPlugins(
    1,
    'none',
    async (plugins) => {
      const pool = database.pool();
      const queries = watchQueries(pool);
      const boot = createBoot({ pool, plugins, registry: false, migrations: { strayObjects } });
      await boot.start();
      await boot.stop();
      const files = queries.filter(({ text }) => /insert into .*;\s*commit$/s.test(text));
      if (files.length !== filesPerBoot) throw new Error(`Saw ${files.length} files`);
      return files.slice(0, -1).map(({ ms }) => ms);
    },
    generateFiles(filesPerBoot),
  );
  const times = await install;
  await database.query('drop schema "plugin_plugin-0" cascade');
  await database.expectNoLeak();
  return times;
}

/** Tables without columns are the cheapest relations; many schemas, as many tenants would have them. */
async function fill({ url }: TestDatabase, relations: number): Promise<void> {
  await withClient(url, async (client) => {
    await client.query('set synchronous_commit = off');
    await client.query(`do $$ begin
      for number in 0..${relations - 1} loop
        if number % 400 = 0 then
          commit;
          execute format('create schema tenant_%s', number / 400);
        end if;
        execute format('create table tenant_%s.t_%s ()', number / 400, number);
      end loop;
    end $$`);
    await client.query('vacuum analyze');
  });
}
