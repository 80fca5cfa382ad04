import { problem, type Problem } from '../../core/error-codes.ts';
import { isRecord } from '../../core/foreign-value.ts';
import type { PluginSchemas } from '../sources/read-migrations.ts';
import { failWithSql, readSqlFailure } from '../connection/session-guard.ts';
import { historyTable } from '../history/migration-history.ts';
import { quoteIdentifier, quoteLiteral, textArray } from '../sql/identifier.ts';

/** Begins the line in the comment on a further schema that names its owner, for releases and hosts that know nothing of each other. */
const mark = 'slipway: schema of ';
const markedLine = new RegExp(`^${mark}(.+)$`, 'm');

/** An existing schema that a plugin lists. */
export interface FurtherSchema {
  readonly name: string;
  readonly comment: string;
  /** The schema of its owner, by its mark; null when it has none. */
  readonly owner: string | null;
  /** Whether the schema of its owner is there. */
  readonly hasOwner: boolean;
  readonly isEmpty: boolean;
  /** Whether the role may alter it. */
  readonly isOwned: boolean;
  /** Whether it is the own schema of a plugin, a host or a user of Drizzle. */
  readonly hasHistory: boolean;
  /** Whether an extension is in it, or has made it. */
  readonly isOfExtension: boolean;
}

/** An SQL expression of type json that gives the {@link FurtherSchema}s with these names. */
export function furtherSchemasSql(names: readonly string[]): string {
  return `(
    select coalesce(json_agg(json_build_object('name', f.nspname, 'comment', f.comment, 'owner', f.owner,
      'hasOwner', exists (select from pg_namespace o where o.nspname = f.owner),
      'isOwned', pg_has_role(f.nspowner, 'USAGE'),
      'isEmpty', not exists (select from pg_depend d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = f.oid and d.deptype = 'n'),
      'hasHistory', exists (select from pg_class c where c.relnamespace = f.oid and c.relname = '${historyTable}'),
      'isOfExtension', exists (select from pg_extension e where e.extnamespace = f.oid) or exists (select from pg_depend d
        where d.classid = 'pg_namespace'::regclass and d.objid = f.oid and d.deptype = 'e'))), '[]')
    from (select c.*, substring(c.comment from '(?n)^${mark}(.+)$') as owner
      from (select n.*, coalesce(obj_description(n.oid, 'pg_namespace'), '') as comment from pg_namespace n
        where n.nspname = any(${textArray(names)})) c) f)`;
}

/** The names that a plugin has in the database; its own is that of its history. */
type Owner = Pick<PluginSchemas, 'id' | 'historySchema' | 'previousSchemas' | 'furtherSchemas'>;

/** What there is to do for the further schemas of a plugin. */
interface FurtherPlan {
  /** SQL that makes and marks them, a command each; empty when all is done. */
  readonly statements: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Decides on the further schemas of a plugin. One that is missing is made, and an empty one is taken. One with something in it
 * and without a mark is taken only by a plugin that has a history, whose files may have filled it.
 *
 * @param existing The facts about those that exist.
 * @param hasRows Whether the history of the plugin has a row.
 */
export function planFurtherSchemas(
  owner: Owner,
  existing: readonly FurtherSchema[],
  hasRows: boolean,
): FurtherPlan {
  const byName = new Map(existing.map((schema) => [schema.name, schema]));
  const plans = owner.furtherSchemas.map((name): FurtherPlan => {
    const found = byName.get(name);
    if (!found) return { statements: takeSql(owner, name, ''), problems: [] };
    const problems = findRival(owner, found, hasRows);
    const isMarked = isOwn(owner, found);
    if (problems.length > 0 || isMarked || !found.isOwned) return { statements: [], problems };
    // The first of them makes the schema.
    return { statements: takeSql(owner, name, found.comment).slice(1), problems: [] };
  });
  return {
    statements: plans.flatMap(({ statements }) => statements),
    problems: plans.flatMap(({ problems }) => problems),
  };
}

function isOwn({ historySchema, previousSchemas }: Owner, { owner }: FurtherSchema): boolean {
  return owner !== null && [historySchema, ...previousSchemas].includes(owner);
}

function findRival(owner: Owner, found: FurtherSchema, hasRows: boolean): readonly Problem[] {
  const { name } = found;
  if (found.hasHistory) return [taken(owner, name, 'has a migration history of its own')];
  if (isOwn(owner, found)) return [];
  if (found.owner !== null && found.hasOwner) return [takenBy(owner, name, found.owner)];
  const mayBeOwn = hasRows && found.isOwned && !found.isOfExtension;
  if (found.isEmpty || mayBeOwn) return [];
  const what = found.isOfExtension
    ? 'has an extension in it'
    : 'has something in it that this plugin has not made';
  const hint = `Rename that schema, or remove it from schemas. If all of it belongs to ${owner.id}: COMMENT ON SCHEMA ${quoteIdentifier(name)} IS ${quoteLiteral(mark + owner.historySchema)};`;
  return [taken(owner, name, what, hint)];
}

function takenBy(owner: Owner, schema: string, other: string): Problem {
  const what = `belongs to the owner of ${quoteIdentifier(other)}`;
  const hint = `Each schema has one owner: remove it from the schemas of one of the two. If that owner is gone for good, remove the line "${mark}${other}" from the comment on ${quoteIdentifier(schema)}.`;
  return taken(owner, schema, what, hint);
}

function taken(
  { id }: Owner,
  schema: string,
  what: string,
  hint = 'Each schema has one owner: rename that schema, or remove it from schemas.',
): Problem {
  const message = `${id} lists ${schema} in schemas, and the schema ${quoteIdentifier(schema)} in the database ${what}`;
  return problem('SCHEMA_TAKEN', message, { plugin: id, hint });
}

const changedMark = 'slipway found another owner';

/** Makes a schema, sees that no other process has taken it since its comment was read, and marks it. */
function takeSql(owner: Owner, name: string, comment: string): readonly string[] {
  const schema = quoteIdentifier(name);
  const found = `json_build_object('name', n.nspname, 'comment', coalesce(obj_description(n.oid, 'pg_namespace'), ''))`;
  return [
    `create schema if not exists ${schema}`,
    `select from pg_namespace n where n.nspname = ${quoteLiteral(name)} and
       case when coalesce(obj_description(n.oid, 'pg_namespace'), '') = ${quoteLiteral(comment)}
         then false else ${failWithSql(changedMark, found)} = 0 end`,
    markSql(name, comment, owner.historySchema),
  ];
}

/** The problem of a schema that another process has taken in the meantime; undefined for any other error. */
export function readTakenMeanwhile(owner: Owner, error: unknown): Problem | undefined {
  const found = readSqlFailure(changedMark, error);
  if (!isRecord(found)) return undefined;
  const [name, comment] = [String(found['name']), String(found['comment'])];
  const other = markedLine.exec(comment)?.[1];
  return other === undefined
    ? taken(owner, name, 'got another comment meanwhile', 'Start again: the next boot reads it.')
    : takenBy(owner, name, other);
}

function markSql(name: string, comment: string, owner: string): string {
  const kept = comment.replace(markedLine, '').trimEnd();
  const marked = `${kept}${kept === '' ? '' : '\n'}${mark}${owner}`;
  return `comment on schema ${quoteIdentifier(name)} is ${quoteLiteral(marked)}`;
}

/** SQL that gives the marks of an earlier schema of the plugin its new name. */
export function remarkSql(
  { schema, previousSchemas, furtherSchemas }: PluginSchemas,
  existing: readonly { readonly name: string; readonly comment: string }[],
): readonly string[] {
  return existing
    .filter(({ name }) => furtherSchemas.includes(name))
    .filter(({ comment }) => previousSchemas.includes(markedLine.exec(comment)?.[1] ?? ''))
    .map(({ name, comment }) => markSql(name, comment, schema));
}
