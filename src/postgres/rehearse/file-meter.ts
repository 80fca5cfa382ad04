import type { Querying } from '../connection/connection.ts';
import type { Question } from '../connection/question.ts';
import { historyTable } from '../history/migration-history.ts';
import { unfinishedTable } from '../history/unfinished-file.ts';
import type { KnownRelation } from './known-relations.ts';
import { compareModes, modeOf, strengthOf, type LockMode } from './lock-modes.ts';

/** A relation that was there before, as a rehearsal found it. */
interface MeasuredRelation {
  /** With its schema: `plugin_shop.orders`. */
  readonly relation: string;
  /** Its size in bytes, without indexes; left out where it is not known. */
  readonly bytes?: number;
  /** How many rows it has by the statistics of PostgreSQL; left out where there are none. */
  readonly rows?: number;
}

/** The strongest lock that a file took on a relation that was there before. */
export interface RehearsedLock extends MeasuredRelation {
  readonly mode: LockMode;
  /** Which queries of others wait for it. */
  readonly blocks: 'none' | 'writers' | 'readers';
}

/** A relation that a file wrote anew on the disk. */
export interface RehearsedRewrite extends MeasuredRelation {
  /** `emptied` is a TRUNCATE, or a table without rows: neither takes long. */
  readonly kind: 'table' | 'index' | 'emptied';
}

/** The rows that a file wrote, one by one. A rewrite of a table is not counted here. */
export interface RehearsedRows {
  /** With its schema. The table may be new. */
  readonly relation: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** The effects of one file on the database, as PostgreSQL counts them. */
export interface FileFacts {
  /** The strongest first. */
  readonly locks: readonly RehearsedLock[];
  readonly rewrites: readonly RehearsedRewrite[];
  readonly rows: readonly RehearsedRows[];
}

/** A relation that this session has locked. */
interface LockedRelation {
  readonly oid: number;
  readonly modes: readonly string[];
  /** Null for one that was dropped. */
  readonly node: number | null;
  readonly name: string | null;
  readonly bytes: number | null;
  /** The size of its rows alone. */
  readonly main: number | null;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** The first number of an object of a user. */
const firstOfUsers = 16_384;

/** What the open transaction has done. It opens only relations that the session has locked, so that it waits for no lock. */
const measureSql = `select coalesce(json_agg(json_build_object('oid', l.oid::bigint, 'modes', l.modes, 'node', c.relfilenode::bigint,
    'name', n.nspname || '.' || c.relname, 'bytes', case when c.relkind in ('r', 'm') then pg_table_size(c.oid) end,
    'main', case when c.relkind in ('r', 'm') then pg_relation_size(c.oid) end,
    'inserted', pg_stat_get_xact_tuples_inserted(l.oid), 'updated', pg_stat_get_xact_tuples_updated(l.oid),
    'deleted', pg_stat_get_xact_tuples_deleted(l.oid)) order by l.oid), '[]')::text as measured
  from (select relation as oid, json_agg(mode) as modes from pg_locks
      where pid = pg_backend_pid() and locktype = 'relation' and granted and relation >= ${firstOfUsers}
        and database = (select oid from pg_database where datname = current_database())
      group by relation) l
    left join pg_class c on c.oid = l.oid left join pg_namespace n on n.oid = c.relnamespace
  where c.relname is null or not (starts_with(c.relname, '${historyTable}') or c.relname = '${unfinishedTable}')`;

/**
 * Measures one file after the other, each by its difference to the one before. Only relations that were there before count as
 * locked or rewritten: for others, no session waits for a table that a pending file makes.
 */
export class FileMeter {
  readonly #known: ReadonlyMap<number, KnownRelation>;
  /** The numbers of files on the disk, as far as they have changed. */
  readonly #nodes = new Map<number, number>();
  readonly #strengths = new Map<number, number>();
  readonly #counts = new Map<number, Pick<LockedRelation, 'inserted' | 'updated' | 'deleted'>>();

  constructor(known: ReadonlyMap<number, KnownRelation>) {
    this.#known = known;
  }

  /** Makes the question to send at the end of a file, before its transaction ends. */
  ask(learn: (facts: FileFacts) => void): Question {
    return { text: measureSql, isRepeated: true, learn: (value) => learn(this.#take(value)) };
  }

  /** Forgets the transaction: each lock is free, and rows are counted from zero again. */
  restart(): void {
    this.#strengths.clear();
    this.#counts.clear();
  }

  /** Passes over a file that was undone: PostgreSQL counts also what is rolled back. */
  async skip(client: Querying): Promise<void> {
    const { rows } = await client.query<{ measured: string }>(measureSql);
    if (rows[0]) this.#take(rows[0].measured);
  }

  #take(answer: string): FileFacts {
    const found = JSON.parse(answer) as readonly LockedRelation[];
    return {
      locks: this.#takeLocks(found),
      rewrites: this.#takeRewrites(found),
      rows: this.#takeRows(found),
    };
  }

  #takeLocks(found: readonly LockedRelation[]): readonly RehearsedLock[] {
    const locks = found.flatMap((each) => {
      const known = this.#known.get(each.oid);
      const strength = Math.max(...each.modes.map(strengthOf));
      if (!known || known.kind === 'i' || strength <= (this.#strengths.get(each.oid) ?? 0)) {
        return [];
      }
      this.#strengths.set(each.oid, strength);
      return [{ strength, lock: { ...modeOf(strength), ...measure(known, each) } }];
    });
    return locks
      .toSorted((a, b) => b.strength - a.strength || (b.lock.bytes ?? 0) - (a.lock.bytes ?? 0))
      .map(({ lock }) => lock);
  }

  #takeRewrites(found: readonly LockedRelation[]): readonly RehearsedRewrite[] {
    const changed = found.flatMap((each) => {
      const known = this.#known.get(each.oid);
      const before = this.#nodes.get(each.oid) ?? known?.node;
      // A sequence gets a new file with each ALTER, and has one row.
      if (!known || known.kind === 'S' || each.node === null || each.node === before) return [];
      this.#nodes.set(each.oid, each.node);
      return [{ each, known }];
    });
    const tables = new Set(changed.map(({ known }) => known.oid));
    return changed
      .filter(({ known }) => known.table === undefined || !tables.has(known.table))
      .map(({ each, known }) => {
        const isIndex = known.kind === 'i';
        const kind = isIndex ? 'index' : isEmpty(each) ? 'emptied' : 'table';
        return { kind, ...measure(known, each) };
      });
  }

  #takeRows(found: readonly LockedRelation[]): readonly RehearsedRows[] {
    return found.flatMap(({ oid, name, inserted, updated, deleted }) => {
      const before = this.#counts.get(oid) ?? { inserted: 0, updated: 0, deleted: 0 };
      this.#counts.set(oid, { inserted, updated, deleted });
      // TRUNCATE sets them back.
      const rows = {
        inserted: Math.max(0, inserted - before.inserted),
        updated: Math.max(0, updated - before.updated),
        deleted: Math.max(0, deleted - before.deleted),
      };
      const relation = name ?? this.#known.get(oid)?.name;
      const isWritten = rows.inserted + rows.updated + rows.deleted > 0;
      return isWritten && relation !== undefined ? [{ relation, ...rows }] : [];
    });
  }
}

function measure({ name, bytes, rows }: KnownRelation, now: LockedRelation): MeasuredRelation {
  // One that is emptied by this file had the size of before.
  const size = now.bytes === null || isEmpty(now) ? bytes : now.bytes;
  return {
    relation: name,
    ...(size !== undefined && { bytes: size }),
    ...(rows !== undefined && { rows }),
  };
}

function isEmpty({ main }: LockedRelation): boolean {
  return main === 0;
}

/** Adds what a further transaction of the same file has done. Each relation stays there once. */
export function addFacts(one: FileFacts | undefined, other: FileFacts): FileFacts {
  if (!one) return other;
  const locks = [...one.locks, ...other.locks].toSorted((a, b) => compareModes(a.mode, b.mode));
  return {
    locks: joinBy(locks, nameRelation, (strongest) => strongest),
    rewrites: joinBy(
      [...one.rewrites, ...other.rewrites],
      ({ kind, relation }) => `${kind} ${relation}`,
      (_, last) => last,
    ),
    rows: joinBy([...one.rows, ...other.rows], nameRelation, (a, b) => ({
      relation: a.relation,
      inserted: a.inserted + b.inserted,
      updated: a.updated + b.updated,
      deleted: a.deleted + b.deleted,
    })),
  };
}

function nameRelation({ relation }: { readonly relation: string }): string {
  return relation;
}

/** Joins the items with the same key, in the order of the first of each. */
function joinBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  join: (one: Item, next: Item) => Item,
): readonly Item[] {
  const joined = new Map<string, Item>();
  for (const item of items) {
    const key = keyOf(item);
    const known = joined.get(key);
    joined.set(key, known ? join(known, item) : item);
  }
  return [...joined.values()];
}
