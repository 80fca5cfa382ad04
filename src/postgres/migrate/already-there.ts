import { markAppliedCall } from '../../core/repair-call.ts';
import { readSqlState } from '../connection/connection-error.ts';
import type { Querying } from '../connection/connection.ts';
import { historyTable } from '../history/migration-history.ts';
import { isSql } from '../sources/migration.ts';
import { quoteIdentifier, quoteLiteral } from '../sql/identifier.ts';
import { nameMadeObject, readMadeObjects, type MadeObject } from '../sql/made-objects.ts';
import { findUnquotedPublic } from '../sql/public-names.ts';
import { listNames } from '../../core/printable.ts';
import type { Migrating } from './migrating.ts';
import { readSigns } from './missing-advice.ts';

/** The states of what is there already: schema, relation, column, function, anything else. */
export const alreadyThere: readonly string[] = ['42P06', '42P07', '42701', '42710', '42723'];

/** The facts known of it without a look into the database. */
export const alreadyThereAdvice =
  'It exists already: made by hand, by another tool, or by a run whose history was lost. Compare it with the file before you change anything.';

/**
 * Says what to do about something that is there already, once the file is rolled back. To take the file as applied is advised
 * only if all of its work is found: otherwise its other commands would never run.
 */
export async function adviceForAlreadyThere(
  { client, plugin: { id, schema, furtherSchemas }, progress: { open } }: Migrating,
  error: unknown,
  name: string,
): Promise<string | undefined> {
  if (!open) return undefined;
  const { file } = open;
  const shared = adviceForShared(error, {
    name,
    own: [schema, ...furtherSchemas],
    file: file.name,
  });
  if (shared !== undefined || !isSql(file)) return shared;
  const { objects, others } = readMadeObjects(file.sql);
  const found = await findMade(client, schema, objects);
  const lacking = objects.filter((_, at) => !found[at]);
  if (lacking.filter((each) => each.name === name).length > 1) {
    return `The database does not have it: ${file.name} makes ${name} more than once. Remove one of the two.`;
  }
  // What stands in public may be meant so, and may be another's.
  if (findUnquotedPublic(file.sql).length > 0) return alreadyThereAdvice;
  if (lacking.length > 0) {
    const missing = [...new Set(lacking.map(nameMadeObject))];
    return `${alreadyThereAdvice} The file cannot count as applied, because ${listNames(missing)} of it ${missing.length === 1 ? 'was' : 'were'} not found. Drop or rename the existing object if nothing needs it, or write IF NOT EXISTS where the command allows it.`;
  }
  return others > 0 || objects.length === 0
    ? `${alreadyThereAdvice} Slipway cannot check the work of some of its commands: mark the file as applied only when all of it is done.`
    : `${alreadyThereAdvice} Everything that ${file.name} makes exists. If it is the same, ${markAppliedCall(id, file.name)} marks the file as applied without running it.`;
}

/** Objects that are no part of the plugin's work alone: its own schema, which Slipway makes, and what a whole database or server shares. */
function adviceForShared(
  error: unknown,
  { name, own, file }: Readonly<{ name: string; own: readonly string[]; file: string }>,
): string | undefined {
  const code = readSqlState(error);
  const is = (sign: RegExp): boolean => sign.test(readSigns(error));
  if (code === '42P06') {
    return own.includes(name)
      ? `Slipway makes the schema ${name} before the first file: remove CREATE SCHEMA from ${file}, or write CREATE SCHEMA IF NOT EXISTS.`
      : `Another plugin or an administrator has made the schema ${name}: write CREATE SCHEMA IF NOT EXISTS in ${file}.`;
  }
  if (name === historyTable) {
    return `Slipway makes the table ${name} itself: remove CREATE TABLE from ${file}.`;
  }
  if (code !== '42710') return undefined;
  if (is(/^CreateRole\b|\brole "/)) {
    const role = `IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteLiteral(name)}) THEN CREATE ROLE ${quoteIdentifier(name)}; END IF;`;
    return `A role belongs to the whole server, so another database may have made it. Make it in ${file} only where it is missing: DO $$ BEGIN ${role} END $$;`;
  }
  if (is(/^CreateExtension\b|\bextension "/)) {
    return `An extension belongs to the whole database, so another plugin may have made it: write CREATE EXTENSION IF NOT EXISTS in ${file}.`;
  }
  return is(
    /^Create(?:Publication|Subscription|EventTrigger|Foreign|Cast|ProceduralLanguage|TransformIf|AccessMethod)/i,
  )
    ? `It belongs to the whole database, so another plugin may have made it: let ${file} make it only where it is missing, in a DO block that looks into the catalog.`
    : undefined;
}

/** Whether each object is in the schema that it names, or else in the plugin's own. */
async function findMade(
  client: Querying,
  own: string,
  objects: readonly MadeObject[],
): Promise<readonly boolean[]> {
  if (objects.length === 0) return [];
  // `"public".` was rewritten.
  const schemas = objects.map(({ schema = own }) => (schema === 'public' ? own : schema));
  const { rows } = await client.query<{ found: string }>(
    `select json_agg(case o.kind
       when 'type' then exists (select from pg_type t where t.typnamespace = n.oid and t.typname = o.name)
       when 'function' then exists (select from pg_proc p where p.pronamespace = n.oid and p.proname = o.name)
       when 'column' then exists (select from pg_attribute a where a.attrelid = r.oid and a.attname = o.name and not a.attisdropped)
       when 'constraint' then exists (select from pg_constraint c where c.conrelid = r.oid and c.conname = o.name)
       else exists (select from pg_class c where c.relnamespace = n.oid and c.relname = o.name)
     end order by o.nr)::text as found
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as o (kind, schema, name, owner, nr)
       left join pg_namespace n on n.nspname = o.schema
       left join pg_class r on r.relnamespace = n.oid and r.relname = o.owner`,
    [
      objects.map(({ kind }) => kind),
      schemas,
      objects.map(({ name }) => name),
      objects.map(({ table }) => table ?? ''),
    ],
  );
  return JSON.parse(rows[0]?.found ?? '[]') as readonly boolean[];
}
