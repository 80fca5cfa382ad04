import type { Querying } from '../connection/connection.ts';

/** A relation that was there before a rehearsal began. */
export interface KnownRelation {
  readonly oid: number;
  /** `relkind` of `pg_class`. */
  readonly kind: string;
  /** With its schema, as people write it. */
  readonly name: string;
  /** The number of its file on the disk; 0 for one that has none. */
  readonly node: number;
  /** Its size by the statistics, in bytes; undefined before the first VACUUM or ANALYZE. */
  readonly bytes: number | undefined;
  /** Its rows by the statistics. */
  readonly rows: number | undefined;
  /** The table of an index. */
  readonly table: number | undefined;
}

/** Tables and their like, and indexes, of users. It opens none of them, so that it waits for no lock. */
const relationsSql = `select coalesce(json_agg(json_build_array(c.oid::bigint, c.relkind, n.nspname || '.' || c.relname,
    c.relfilenode::bigint, c.relpages * current_setting('block_size')::bigint, c.reltuples::bigint, i.indrelid::bigint)), '[]')::text as relations
  from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_index i on i.indexrelid = c.oid
  where c.relkind in ('r', 'p', 'm', 'v', 'f', 'S', 'i') and n.nspname !~ '^(pg_|information_schema$)'`;

type RelationRow = readonly [number, string, string, number, number, number, number | null];

/** Reads which relations there are, with one statement. */
export async function readRelations(client: Querying): Promise<ReadonlyMap<number, KnownRelation>> {
  const { rows } = await client.query<{ relations: string }>(relationsSql);
  const list = JSON.parse(rows[0]?.relations ?? '[]') as readonly RelationRow[];
  return new Map(list.map((row) => [row[0], toRelation(row)]));
}

function toRelation([oid, kind, name, node, bytes, rows, table]: RelationRow): KnownRelation {
  // A sequence always has one row.
  const hasSize = kind !== 'S';
  return {
    oid,
    kind,
    name,
    node,
    bytes: hasSize && bytes > 0 ? bytes : undefined,
    rows: hasSize && rows >= 0 && bytes > 0 ? rows : undefined,
    table: table ?? undefined,
  };
}
