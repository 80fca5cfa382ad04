import { sleep } from '../../core/patience.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import type { LoneCommand } from '../sql/lone-commands.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import type { Migrating } from './migrating.ts';

/** The state of the name that a command wants to build under. */
type IndexState =
  | { readonly status: 'free' }
  /** There is a valid index of that name on that table. */
  | { readonly status: 'built' }
  | { readonly status: 'taken'; readonly table: string };

interface FoundIndex {
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  readonly is_same_table: boolean;
  readonly is_left_over: boolean;
  readonly is_in_work: boolean;
}

/** How often to look whether another session's build of the same index has ended. */
const lookAgainMs = 500;

/**
 * Drops what a killed build has left: an index that is not valid, which `IF NOT EXISTS` would accept. While another session
 * still builds on the table it waits, because that index may become valid.
 */
export async function clearUnfinishedIndex(
  { client, clock, signal }: Migrating,
  command: LoneCommand,
): Promise<IndexState> {
  if (command.kind === 'other') return { status: 'free' };
  for (;;) {
    const found = await findIndexes(client, command);
    const unfinished = found.filter((index) => index.is_left_over);
    if (unfinished.length === 0) return command.kind === 'createIndex' ? judgeIndex(found) : free;
    if (unfinished.some((index) => index.is_in_work)) {
      // The next query throws the reason itself.
      await sleep(clock, lookAgainMs, signal).catch(() => undefined);
      continue;
    }
    for (const index of unfinished) {
      const named = `${quoteIdentifier(index.schema)}.${quoteIdentifier(index.name)}`;
      await client.query(`drop index concurrently if exists ${named}`);
    }
  }
}

const free: IndexState = { status: 'free' };

function judgeIndex([index]: readonly FoundIndex[]): IndexState {
  if (!index) return free;
  return index.is_same_table ? { status: 'built' } : { status: 'taken', table: index.table };
}

/** A build of REINDEX stands beside the indexes of its table, under a name with `_ccnew` or `_ccold` behind it. */
async function findIndexes(
  client: PinnedClient,
  command: Exclude<LoneCommand, { kind: 'other' }>,
): Promise<readonly FoundIndex[]> {
  const isCreated = command.kind === 'createIndex';
  const relation = isCreated ? command.table : command.name;
  const wanted = isCreated
    ? `c.relnamespace = target.relnamespace and c.relname = ${literalName(command.index ?? '')}`
    : String.raw`i.indrelid = coalesce(base.indrelid, target.oid) and c.relname ~ '_cc(new|old)\d*$'`;
  const isLeftOver = isCreated ? 'i.indrelid = target.oid' : 'true';
  const { rows } = await client.query<FoundIndex>(
    `select n.nspname::text as schema, c.relname::text as name, i.indrelid::regclass::text as table,
       i.indrelid = target.oid as is_same_table, not i.indisvalid and ${isLeftOver} as is_left_over,
       exists (select from pg_locks l left join pg_stat_activity a on a.pid = l.pid
         where l.locktype = 'relation' and l.relation = i.indrelid and l.granted and l.pid <> pg_backend_pid()
           and l.mode = 'ShareUpdateExclusiveLock' and a.backend_type is distinct from 'autovacuum worker'
           and l.database = (select oid from pg_database where datname = current_database())) as is_in_work
     from pg_class target left join pg_index base on base.indexrelid = target.oid,
       pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
     where target.oid = to_regclass($1) and ${wanted}`,
    [relation],
  );
  return rows;
}

/** A name as PostgreSQL keeps it: folded to lower case unless it is quoted, and cut. */
function literalName(written: string): string {
  const isQuoted = written.startsWith('"');
  const kept = isQuoted ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase();
  return `${quoteLiteral(kept)}::name`;
}
