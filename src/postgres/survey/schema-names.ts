import { problem, type Problem } from '../../core/error-codes.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { quoteIdentifier } from '../sql/identifier.ts';

/** The facts that a rename needs of a schema. */
export interface RenamableSchema {
  readonly name: string;
  /** Whether the schema contains nothing that would be lost with it. */
  readonly isEmpty: boolean;
  /** Whether the role may rename and drop it. */
  readonly isOwned: boolean;
}

/** The fields of {@link RenamableSchema}, as SQL for `json_build_object`; `n` is the row of `pg_namespace`. */
export const renamableColumns = `'name', n.nspname,
      'isOwned', pg_has_role(n.nspowner, 'USAGE'),
      'isEmpty', not exists (select from pg_depend d
        where d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid and d.deptype = 'n')`;

/** The plan for the schemas that a plugin has had. */
interface RenamePlan {
  /** The schema that gets the plugin's name. */
  readonly from?: string;
  readonly conflict?: Problem;
}

/** Finds the schema of an earlier id that the plugin keeps, if there is one. Two that are not empty are a conflict. */
export function planRename(
  { id, schema, previousSchemas }: PluginMigrations,
  schemas: ReadonlyMap<string, RenamableSchema>,
): RenamePlan {
  const found = previousSchemas.flatMap((name) => schemas.get(name) ?? []);
  const [from] = found;
  if (!from) return {};
  const current = schemas.get(schema);
  const isFree = !current || (current.isEmpty && current.isOwned);
  const rivals = [...(isFree ? [] : [current]), ...found];
  return rivals.length > 1 ? { conflict: describeConflict(id, rivals) } : { from: from.name };
}

function describeConflict(plugin: string, schemas: readonly RenamableSchema[]): Problem {
  const names = schemas.map(({ name }) => quoteIdentifier(name)).join(' and ');
  const message = `${plugin}: its data may be in ${names}, and only one of them can be its schema`;
  const empty = schemas.find(({ isEmpty }) => isEmpty);
  return problem('MIGRATION_RENAME_CONFLICT', message, {
    plugin,
    ...(empty && {
      hint: `One of them is empty: DROP SCHEMA ${quoteIdentifier(empty.name)};`,
    }),
  });
}

/** The record of a rename in the comment on a schema. */
interface RenameMarker {
  /** The id of the plugin that has the schema now. */
  readonly plugin: string;
  /** Every former name of the schema. */
  readonly from: readonly string[];
}

/** A schema with its comment. */
export interface CommentedSchema {
  readonly name: string;
  readonly comment: string;
}

const mark = 'slipway: renamed ';
const markedLine = new RegExp(`^${mark}({.*})$`, 'm');

/**
 * An SQL expression of type json that gives the {@link CommentedSchema}s with a marker. Every role may read comments,
 * and they stay with the schema: in dumps, and through further renames.
 */
export const markedSchemasSql = `(select coalesce(json_agg(json_build_object('name', n.nspname, 'comment', d.description) order by n.nspname), '[]')
    from pg_namespace n join pg_description d
      on d.classoid = 'pg_namespace'::regclass and d.objoid = n.oid and d.objsubid = 0
    where position('${mark}' in d.description) > 0)`;

/** Reads the marker in a comment; `undefined` when there is none, or when it was edited by hand. */
export function readMarker(comment: string): RenameMarker | undefined {
  const written = markedLine.exec(comment)?.[1];
  if (written === undefined) return undefined;
  try {
    const { plugin, from } = JSON.parse(written) as Partial<RenameMarker>;
    return typeof plugin === 'string' && Array.isArray(from) ? { plugin, from } : undefined;
  } catch {
    return undefined;
  }
}

/** Puts a marker into a comment, in place of an older one. The rest of the comment stays. */
export function writeMarker(comment: string, { plugin, from }: RenameMarker): string {
  const kept = comment.replace(markedLine, '').trimEnd();
  const line = mark + JSON.stringify({ plugin, from });
  return kept === '' ? line : `${kept}\n${line}`;
}

/** Finds the problem of a replica whose plugin's schema was renamed by a newer release. */
export function findRenamedAway(
  { id, schema }: PluginMigrations,
  marked: readonly CommentedSchema[],
): Problem | undefined {
  for (const { name, comment } of marked) {
    const marker = name === schema ? undefined : readMarker(comment);
    if (!marker?.from.includes(schema)) continue;
    const { plugin } = marker;
    const there = quoteIdentifier(name);
    const message = `${id}: its schema ${quoteIdentifier(schema)} is ${there} now, of the plugin ${plugin}`;
    return problem('MIGRATION_RENAMED', message, {
      plugin: id,
      hint: `Deploy the release in which the plugin is called ${plugin}. To go back to this one: ALTER SCHEMA ${there} RENAME TO ${quoteIdentifier(schema)}; if this is another plugin, remove the line "slipway: renamed" from the comment on ${there}.`,
    });
  }
  return undefined;
}
