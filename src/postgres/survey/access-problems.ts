import { problem, type Problem } from '../../core/error-codes.ts';
import { listNames } from '../../core/printable.ts';
import { quoteHistory } from '../history/migration-history.ts';
import { remembersCommands } from '../history/unfinished-file.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { DatabaseFacts, SchemaFacts } from './database-facts.ts';
import { isReadable } from './read-history.ts';

interface SurveyedPlugin {
  readonly id: string;
  /** The present schema of its objects. */
  readonly schema: string;
  /** The present schema of its history. */
  readonly historySchema: string;
  /** Whether `schema` is renamed first. */
  readonly isRenamed: boolean;
  readonly pending: readonly Migration[];
  readonly furtherSchemas: readonly string[];
}

/** Whether a file puts a comment on the history, to say what it has replaced. */
function isSquash(file: Migration): boolean {
  return isSql(file) && file.replaces !== undefined;
}

/** Finds problems that prevent every migration; none when no plugin has migrations. */
export function findServerProblems(
  { readOnly }: DatabaseFacts,
  plugins: readonly { readonly files: readonly unknown[] }[],
): readonly Problem[] {
  if (!readOnly || plugins.every(({ files }) => files.length === 0)) return [];
  return [
    problem('DATABASE_READ_ONLY', 'The database takes no writes: a replica, or set read-only'),
  ];
}

type Schemas = ReadonlyMap<string, SchemaFacts>;

/** Finds problems that prevent reading a plugin's history. */
export function findHistoryProblems(
  plugin: SurveyedPlugin,
  facts: DatabaseFacts,
  schemas: Schemas,
): readonly Problem[] {
  const { id, historySchema } = plugin;
  const found = schemas.get(historySchema);
  if (!found?.history) return [];
  if (!found.canUse) return [lacks(plugin, facts, 'USAGE', onSchema(historySchema))];
  if (!found.history.canRead) return [lacks(plugin, facts, 'SELECT', quoteHistory(historySchema))];
  return isReadable(found) ? [] : [foreignHistory(id, historySchema, found.history.columns)];
}

/** Finds problems that prevent applying a plugin's pending files. */
export function findWriteProblems(
  plugin: SurveyedPlugin,
  facts: DatabaseFacts,
  schemas: Schemas,
): readonly Problem[] {
  const { schema, historySchema, pending, isRenamed, furtherSchemas } = plugin;
  const keeping = schemas.get(historySchema);
  const history = keeping?.history;
  if (keeping && history && !isReadable(keeping)) return [];
  const isComplete = furtherSchemas.every((name) => schemas.has(name));
  if (pending.length === 0 && !isRenamed && isComplete) return [];
  const unless = (isGranted: boolean, right: string, on: string): readonly Problem[] =>
    isGranted ? [] : [lacks(plugin, facts, right, on)];
  const isOwned = !isRenamed || schemas.get(schema)?.isOwned === true;
  const hasBoth = schemas.has(schema) && schemas.has(historySchema) && !isRenamed;
  const canMakeThem = (hasBoth && isComplete) || facts.canCreateSchema;
  // Beside the history of the host there may have to be room for a further table.
  const isFilled = !history || (historySchema !== schema && pending.some(remembersCommands));
  const toFill = [...new Set([schema, ...(isFilled ? [historySchema] : []), ...furtherSchemas])];
  return [
    ...(isOwned ? [] : [ownsNot(plugin, facts)]),
    ...unless(canMakeThem, 'CREATE', `DATABASE ${quoteIdentifier(facts.database)}`),
    ...toFill.flatMap((name) => {
      const { canUse = true, canCreate = true } = schemas.get(name) ?? {};
      return [
        ...unless(canUse, 'USAGE', onSchema(name)),
        ...unless(canCreate, 'CREATE', onSchema(name)),
      ];
    }),
    ...unless(history?.canWrite ?? true, 'INSERT', quoteHistory(historySchema)),
    ...(pending.some(isSquash) && keeping?.isHistoryOwned === false
      ? [ownsNoHistory(plugin, facts)]
      : []),
    ...(keeping?.closedSequence == null
      ? []
      : [lacks(plugin, facts, 'USAGE', onSequence(historySchema, keeping.closedSequence))]),
  ];
}

function lacks(
  { id }: SurveyedPlugin,
  { role }: DatabaseFacts,
  right: string,
  on: string,
): Problem {
  return problem('DATABASE_PRIVILEGE', `${id}: the role ${role} lacks ${right} on ${on}`, {
    plugin: id,
    hint: `GRANT ${right} ON ${on} TO ${quoteIdentifier(role)};`,
  });
}

/** Makes the problem of a role that does not own a schema to rename. */
function ownsNot({ id, schema }: SurveyedPlugin, { role }: DatabaseFacts): Problem {
  const on = onSchema(schema);
  const message = `${id}: the role ${role} does not own ${on}, which is to be renamed`;
  const hint = `ALTER ${on} OWNER TO ${quoteIdentifier(role)};`;
  return problem('DATABASE_PRIVILEGE', message, { plugin: id, hint });
}

/** Makes the problem of a role that may not say in a history what a squash file has replaced. */
function ownsNoHistory({ id, historySchema }: SurveyedPlugin, { role }: DatabaseFacts): Problem {
  const table = quoteHistory(historySchema);
  const message = `${id}: the role ${role} does not own ${table}, whose comment is to say what a squash file has replaced`;
  const hint = `ALTER TABLE ${table} OWNER TO ${quoteIdentifier(role)};`;
  return problem('DATABASE_PRIVILEGE', message, { plugin: id, hint });
}

function onSequence(schema: string, name: string): string {
  return `SEQUENCE ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

function onSchema(name: string): string {
  return `SCHEMA ${quoteIdentifier(name)}`;
}

function foreignHistory(id: string, schema: string, columns: readonly string[]): Problem {
  return problem(
    'MIGRATION_HISTORY_UNKNOWN',
    `${id}: ${quoteHistory(schema)} is not Drizzle's: its columns are ${listNames(columns)}`,
    { plugin: id, hint: 'Rename that table: the migration history needs its name.' },
  );
}
