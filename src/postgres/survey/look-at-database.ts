import type { MigrationSettings } from '../../core/settings.ts';
import { readSqlState } from '../connection/connection-error.ts';
import type { QueryAnswer, Querying } from '../connection/connection.ts';
import { toHistoryRow, type HistoryRow, type RawHistoryRow } from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { readReplaced, type ReplacedMarker } from '../history/replaced-marker.ts';
import { doneCommandsSql } from '../history/unfinished-file.ts';
import type { Migration } from '../sources/migration.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { PluginMigrations, PluginSchemas } from '../sources/read-migrations.ts';
import { askServer, type SchemaRights, type ServerFacts } from './ask-server.ts';
import { inParts } from '../../core/in-parts.ts';
import {
  changeQuestions,
  mergeFacts,
  type DatabaseFacts,
  type Details,
  type Questions,
} from './database-facts.ts';
import { extensionFactsSql, followsExtensions } from './extension-schemas.ts';
import { furtherSchemasSql } from './further-schemas.ts';
import { historiesSql, isReadable } from './read-history.ts';
import { publicObjectsSql } from './stranded-objects.ts';

/** The state of all plugins in the database at one moment. */
export interface Look {
  readonly facts: DatabaseFacts;
  /** By schema. */
  readonly histories: Histories;
  /** Each plugin whose folder could be read. */
  readonly plugins: readonly PluginMigrations[];
  /** What is pending for each of them under its present name. */
  readonly plans: Plans;
  /** By schema, what the histories say of rows that are gone. Known where something is pending. */
  readonly replaced: Replaced;
}

type Histories = ReadonlyMap<string, readonly HistoryRow[]>;
type Replaced = ReadonlyMap<string, ReplacedMarker>;
type Plans = ReadonlyMap<PluginMigrations, MigrationPlan<Migration>>;

/** How often a survey starts again when a history disappears between its messages. */
const attempts = 3;

/**
 * Reads the state of the database, and starts again when a history disappears between two messages. What needs only the names
 * of schemas is asked while the files are still being read.
 *
 * @param read Waits for the same plugins with their files; plugins whose folder cannot be read are left out.
 */
export async function lookAtDatabase(
  client: Querying,
  named: readonly PluginSchemas[],
  read: () => Promise<readonly PluginMigrations[]>,
  settings: MigrationSettings,
): Promise<Look> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lookOnce(client, named, read, settings);
    } catch (error) {
      // Another process has renamed or dropped a plugin's schema since the first message.
      const isGone = ['42P01', '3F000', '42703'].includes(readSqlState(error) ?? '');
      if (!isGone || attempt === attempts) throw error;
    }
  }
}

/**
 * Asks for the facts, then for the histories. What only some boots need is asked together with the histories, or in a third
 * message when something is pending.
 */
async function lookOnce(
  client: Querying,
  named: readonly PluginSchemas[],
  read: () => Promise<readonly PluginMigrations[]>,
  settings: MigrationSettings,
): Promise<Look> {
  const names = [...new Set(named.flatMap(listSchemas))];
  const facts = await askServer(client, names);
  const readable = facts.schemas.filter(isReadable);
  const mayChange = hasNewOrRenamed(named, facts.schemas, readable);
  const { histories, details } = await ask(client, readable, {
    ...earlyQuestions(named, names, facts, settings),
    ...(mayChange && (await changeQuestions(names, filesOf(await read()), settings))),
  });
  const plugins = await read();
  for (const { files, schema, historySchema } of plugins) {
    await hashLongForms(files, histories.get(historySchema) ?? [], schema);
  }
  const plans = planAll(plugins, histories, new Map());
  // Tenants share the files of their plugin.
  const pending = [...new Set(Array.from(plans.values()).flatMap((plan) => plan.pending))];
  const isLate = !mayChange && pending.length > 0;
  const late = await ask(client, [], isLate ? await changeQuestions(names, pending, settings) : {});
  const all = mergeFacts(facts, { ...details, ...late.details });
  const replaced = new Map(
    all.replaced.map(({ schema, comment }) => [schema, readReplaced(comment)]),
  );
  const isPlanned = replaced.size === 0;
  return {
    facts: all,
    histories,
    plugins,
    replaced,
    plans: isPlanned ? plans : planAll(plugins, histories, replaced),
  };
}

function listSchemas(plugin: PluginSchemas): readonly string[] {
  const { schema, historySchema, previousSchemas, furtherSchemas } = plugin;
  return [schema, historySchema, ...previousSchemas, ...furtherSchemas];
}

/** The questions that the facts of the server already ask for, whatever the files are. */
function earlyQuestions(
  named: readonly PluginSchemas[],
  names: readonly string[],
  { schemas, hasExtensions, isPublicUsed }: ServerFacts,
  settings: MigrationSettings,
): Questions {
  const hasOwnSchemas = named.some(({ schema }) => schema !== 'public');
  const unfinished = schemas.flatMap((each) => (each.unfinished?.canRead ? each.name : []));
  const further = schemas.flatMap(({ name }) =>
    named.some(({ furtherSchemas }) => furtherSchemas.includes(name)) ? name : [],
  );
  return {
    ...(unfinished.length > 0 && { unfinished: doneCommandsSql(unfinished) }),
    ...(followsExtensions(settings) &&
      hasExtensions && { extensions: extensionFactsSql(settings, []) }),
    ...(isPublicUsed && hasOwnSchemas && { inPublic: publicObjectsSql(names) }),
    ...(further.length > 0 && { further: furtherSchemasSql(further) }),
  };
}

/** Whether a plugin may need a change, regardless of the histories. */
function hasNewOrRenamed(
  plugins: readonly PluginSchemas[],
  schemas: readonly SchemaRights[],
  readable: readonly SchemaRights[],
): boolean {
  const existing = new Set(schemas.map(({ name }) => name));
  const withHistory = new Set(readable.map(({ name }) => name));
  return plugins.some(
    ({ historySchema, previousSchemas, furtherSchemas }) =>
      !withHistory.has(historySchema) ||
      previousSchemas.some((name) => existing.has(name)) ||
      furtherSchemas.some((name) => !existing.has(name)),
  );
}

function planAll(
  plugins: readonly PluginMigrations[],
  histories: Histories,
  replaced: Replaced,
): Plans {
  return new Map(
    plugins.map((plugin) => {
      const { files, schema, historySchema } = plugin;
      const rows = histories.get(historySchema) ?? [];
      return [plugin, planMigrations(files, rows, schema, replaced.get(historySchema))];
    }),
  );
}

/** Reads the histories of these schemas and asks these questions, in one message; in none when there is nothing to ask. */
async function ask(
  client: Querying,
  schemas: readonly SchemaRights[],
  questions: Questions,
): Promise<{ readonly histories: Histories; readonly details: Partial<Details> }> {
  const histories = new Map<string, HistoryRow[]>(schemas.map(({ name }) => [name, []]));
  const fields = Object.entries(questions).map(([name, sql]) => `'${name}', ${sql}`);
  // A transaction locks each table that it reads, and PostgreSQL has room for some thousand locks.
  const [now, ...later] = inParts(schemas, historiesAtOnce);
  const texts = [
    ...(now ? [historiesSql(now)] : []),
    ...(fields.length > 0
      ? [`select json_build_object(${fields.join(', ')})::text as details`]
      : []),
  ];
  if (texts.length === 0) return { histories, details: {} };
  const answers = [await client.query(texts.join(';\n'))].flat() as readonly QueryAnswer[];
  const take = (answer: QueryAnswer | undefined): void => {
    const rows = answer?.rows as readonly (RawHistoryRow & { schema: string })[];
    for (const row of rows) histories.get(row.schema)?.push(toHistoryRow(row));
  };
  if (now) take(answers[0]);
  for (const part of later) take(await client.query(historiesSql(part)));
  if (fields.length === 0) return { histories, details: {} };
  const [row] = (answers.at(-1)?.rows ?? []) as readonly { readonly details: string }[];
  return { histories, details: JSON.parse(row?.details ?? '{}') as Partial<Details> };
}

/** The most histories that one statement reads, each with its index. */
const historiesAtOnce = 1_000;

function filesOf(plugins: readonly PluginMigrations[]): readonly Migration[] {
  const lists = new Set(plugins.map(({ files }) => files));
  return [...lists].flat();
}
