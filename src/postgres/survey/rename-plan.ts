import { problem, type Problem } from '../../core/error-codes.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { quoteIdentifier } from '../sql/identifier.ts';

/** What a rename needs to know of a schema. */
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
export interface RenamePlan {
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
  return rivals.length > 1 ? { conflict: conflictOf(id, rivals) } : { from: from.name };
}

function conflictOf(plugin: string, schemas: readonly RenamableSchema[]): Problem {
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
