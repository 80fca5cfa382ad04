import type { BootEvents } from '../core/events.ts';
import type { UsualTimes } from '../core/usual-times.ts';
import { bootTable } from './boot-table.ts';
import type { Querying } from './connection/connection.ts';

/** The usual time is the median of so many boots. */
const most = 10;

/**
 * Reads how long the plugins took to start in the last boots of an application. PostgreSQL looks for the few lines that tell, so
 * that the process that boots does not read whole recordings.
 *
 * @param app `null` for boots that have not named their application.
 * @throws what pg threw: 42P01 or 3F000 where there is no history yet, 42501 when the role may not read it.
 */
export async function readUsualTimes(
  client: Querying,
  app: string | null,
): Promise<BootEvents['history.read']> {
  const { rows } = await client.query<{ plugin: string; step: string; ms: string; boots: string }>(
    `with last as materialized (
       select recording from ${bootTable} where app is not distinct from $1::text
       order by started_at desc, boot_id limit ${most}
     ), ends as (
       select line::json as event from last, unnest(string_to_array(recording, E'\\n')) as line
       where line ~ '"type":"plugin[.](init|ready)[.]finished"'
     )
     select event ->> 'plugin' as plugin, split_part(event ->> 'type', '.', 2) as step,
       percentile_cont(0.5) within group (order by (event ->> 'durationMs')::float8)::text as ms,
       (select count(*) from last)::text as boots
     from ends where event ->> 'outcome' = 'done' group by 1, 2`,
    [app],
  );
  const usual: Record<string, UsualTimes> = {};
  for (const { plugin, step, ms } of rows) {
    usual[plugin] = { ...usual[plugin], [step]: Math.round(Number(ms)) };
  }
  return { boots: Number(rows[0]?.boots ?? 0), usual };
}
