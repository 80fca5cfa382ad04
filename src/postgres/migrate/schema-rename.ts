import { roundMs } from '../../core/duration.ts';
import type { Problem } from '../../core/error-codes.ts';
import { problemError } from '../../core/errors.ts';
import type { LockHolder } from '../../core/waits.ts';
import { migrationLockKey, tryLock } from '../locks/advisory-lock.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import type { Querying } from '../connection/connection.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { historyTable } from '../history/migration-history.ts';
import { beginSql, lockTimeoutSql, nameSession } from '../connection/session-settings.ts';
import type { Migrating } from './migrating.ts';
import { remarkSql } from '../survey/further-schemas.ts';
import { passingReason } from './migration-retry.ts';
import {
  findRenamedAway,
  markedSchemasSql,
  planRename,
  readMarker,
  renamableColumns,
  writeMarker,
  type CommentedSchema,
  type RenamableSchema,
} from '../survey/schema-names.ts';

type RenameResult =
  | { readonly status: 'done' | 'nothing' }
  | { readonly status: 'locked'; readonly holder: LockHolder };

/**
 * Gives the schema of an earlier id the plugin's name, and marks it so that a replica of the older release, which would find
 * its schema gone and make an empty one, stops instead. All of it is one transaction under the locks of both names, which
 * end with it; they are tried for in the order of their keys, and never waited for.
 *
 * @throws BootError `MIGRATION_RENAME_CONFLICT`, or what pg threw. Nothing is changed then.
 */
export async function renamePreviousSchema({
  client,
  plugin,
  settings,
  clock,
  emit,
}: Migrating): Promise<RenameResult> {
  if (plugin.previousSchemas.length === 0) return { status: 'nothing' };
  if (!(await lookForRename(client, plugin))) return { status: 'nothing' };
  const startedAt = clock.elapsed();
  client.markDirty();
  try {
    await client.query(
      [
        beginSql,
        lockTimeoutSql(settings),
        `select set_config('application_name', ${quoteLiteral(nameSession(plugin.id))}, true)`,
      ].join('; '),
    );
    const rename = await prepareRename(client, plugin);
    if (rename.status !== 'ready') {
      await client.finish('rollback');
      return rename;
    }
    await client.finish(`${rename.sql}; commit`);
    const renamed = { plugin: plugin.id, from: rename.from, to: plugin.schema };
    emit({
      type: 'plugin.migrate.renamed',
      ...renamed,
      durationMs: roundMs(clock.elapsed() - startedAt),
    });
    return { status: 'done' };
  } catch (error) {
    if (client.lost) throw error;
    await client.rollBack();
    if (passingReason(error) === undefined) throw error;
    // Another session changes the schema itself, such as its grants: that passes like a lock, whose holder is unknown.
    return { status: 'locked', holder: {} };
  }
}

type PreparedRename =
  | { readonly status: 'ready'; readonly from: string; readonly sql: string }
  | { readonly status: 'locked'; readonly holder: LockHolder }
  | { readonly status: 'nothing' };

/**
 * Takes the locks of all names of a plugin in the open transaction, and returns the SQL that renames its schema.
 *
 * @throws BootError `MIGRATION_RENAME_CONFLICT`
 */
export async function prepareRename(
  client: Querying,
  plugin: PluginMigrations,
): Promise<PreparedRename> {
  for (const schema of inLockOrder([plugin.schema, ...plugin.previousSchemas])) {
    const attempt = await tryLock(client, schema, { scope: 'transaction' });
    if (!attempt.acquired) return { status: 'locked', holder: attempt.holder };
  }
  const rename = await lookForRename(client, plugin);
  if (!rename) return { status: 'nothing' };
  return { status: 'ready', from: rename.from, sql: renameSql(plugin, rename) };
}

/**
 * The schema of an earlier id that a boot would rename; undefined when there is none.
 *
 * @throws BootError `MIGRATION_RENAME_CONFLICT`
 */
export async function findPendingRename(
  client: Querying,
  plugin: PluginMigrations,
): Promise<string | undefined> {
  if (plugin.previousSchemas.length === 0) return undefined;
  return (await lookForRename(client, plugin))?.from;
}

/** Finds the problem of a schema that a later release has renamed; undefined where it has its name, or a history again. */
export async function findLaterName(
  client: Querying,
  plugin: PluginMigrations,
): Promise<Problem | undefined> {
  const { rows } = await client.query<{ renamed: string }>(
    `select ${markedSchemasSql}::text as renamed where not exists (
       select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2)`,
    [plugin.historySchema, historyTable],
  );
  return findRenamedAway(
    plugin,
    JSON.parse(rows[0]?.renamed ?? '[]') as readonly CommentedSchema[],
  );
}

/** A rename that can be made, with what is needed for it. */
interface Rename {
  readonly from: string;
  readonly comment: string;
  /** Whether an empty schema has the name already. */
  readonly isTaken: boolean;
  /** SQL that gives the further schemas of the plugin the mark of its new name. */
  readonly remarks: readonly string[];
}

async function lookForRename(
  client: Querying,
  plugin: PluginMigrations,
): Promise<Rename | undefined> {
  const names = [plugin.schema, ...plugin.previousSchemas, ...plugin.furtherSchemas];
  const { rows } = await client.query<{ found: string }>(
    `select coalesce(json_agg(json_build_object(${renamableColumns},
       'comment', coalesce(obj_description(n.oid, 'pg_namespace'), ''))), '[]')::text as found
     from pg_namespace n where n.nspname = any($1::text[])`,
    [names],
  );
  const found = JSON.parse(rows[0]?.found ?? '[]') as (RenamableSchema & { comment: string })[];
  const schemas = new Map(found.map((schema) => [schema.name, schema]));
  const { from, conflict } = planRename(plugin, schemas);
  if (conflict) throw problemError(conflict, 'migrateAll');
  if (from === undefined) return undefined;
  const comment = schemas.get(from)?.comment ?? '';
  const remarks = remarkSql(plugin, found);
  return { from, comment, isTaken: schemas.has(plugin.schema), remarks };
}

/** An empty schema that is in the way is dropped without CASCADE: if something comes into it now, the rename fails. */
function renameSql(
  { id, schema }: PluginMigrations,
  { from, comment, isTaken, remarks }: Rename,
): string {
  const to = quoteIdentifier(schema);
  const earlier = new Set([...(readMarker(comment)?.from ?? []), from]);
  // Back to a name that it had before: replicas that know it by that name are right again.
  earlier.delete(schema);
  const marked = writeMarker(comment, { plugin: id, from: [...earlier] });
  return [
    ...(isTaken ? [`drop schema ${to}`] : []),
    `alter schema ${quoteIdentifier(from)} rename to ${to}`,
    `comment on schema ${to} is ${quoteLiteral(marked)}`,
    ...remarks,
  ].join('; ');
}

function inLockOrder(schemas: readonly string[]): readonly string[] {
  const keys = new Map(schemas.map((schema) => [schema, migrationLockKey(schema)]));
  return [...keys]
    .toSorted(([, one], [, other]) => (one < other ? -1 : one > other ? 1 : 0))
    .map(([schema]) => schema);
}
