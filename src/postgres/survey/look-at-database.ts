import type { MigrationSettings } from '../../core/settings.ts';
import { readSqlState } from '../connection/connection-error.ts';
import type { QueryAnswer, Querying } from '../connection/connection.ts';
import { toHistoryRow, type HistoryRow, type RawHistoryRow } from '../history/migration-history.ts';
import { planMigrations } from '../history/migration-plan.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { followsExtensions } from './extension-schemas.ts';
import {
  factsSql,
  historiesSql,
  isReadable,
  type SchemaFacts,
  type ServerFacts,
} from './server-facts.ts';
import {
  changeQuestion,
  detailsSql,
  extensionQuestion,
  noDetails,
  publicQuestion,
  type OwnedSchema,
  type Question,
  type SurveyDetails,
} from './survey-details.ts';

/** The answers of the catalogs. */
export interface DatabaseAnswer extends ServerFacts, Omit<SurveyDetails, 'owned'> {
  readonly schemas: readonly SchemaAnswer[];
}

/** The answers about a schema; the second part is asked only where something may be changed. */
export type SchemaAnswer = SchemaFacts & OwnedSchema;

/** The state of all plugins in the database at one moment. */
export interface Look {
  readonly facts: DatabaseAnswer;
  /** By schema. */
  readonly histories: Histories;
}

type Histories = ReadonlyMap<string, readonly HistoryRow[]>;

/** How often a survey starts again when a history disappears between its messages. */
const attempts = 3;

/** Reads the state of the database, and starts again when a history disappears between two messages. */
export async function lookAtDatabase(
  client: Querying,
  plugins: readonly PluginMigrations[],
  settings: MigrationSettings,
): Promise<Look> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await lookOnce(client, plugins, settings);
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
  plugins: readonly PluginMigrations[],
  settings: MigrationSettings,
): Promise<Look> {
  const names = schemaNames(plugins);
  const files = plugins.flatMap((plugin) => plugin.files);
  const { rows } = await client.query<{ facts: string }>(factsSql, [names]);
  const facts = JSON.parse(rows[0]?.facts ?? '{}') as ServerFacts;
  const readable = facts.schemas.filter(isReadable);
  const known = { existing: nameSet(facts.schemas), readable: nameSet(readable) };
  const mayChange = plugins.some((plugin) => isNewOrRenamed(plugin, known));
  const isOfPlugin = ({ schema }: PluginMigrations): boolean => schema !== 'public';
  const first = [
    ...(followsExtensions(settings) && facts.hasExtensions ? [extensionQuestion(settings)] : []),
    ...(facts.isPublicUsed && plugins.some(isOfPlugin) ? [publicQuestion(names)] : []),
    ...(mayChange ? [changeQuestion(names, files, settings)] : []),
  ];
  const { histories, details } = await ask(client, readable, first);
  const isLate = !mayChange && plugins.some((plugin) => hasPending(plugin, histories));
  const last = isLate ? [changeQuestion(names, files, settings)] : [];
  const { details: late } = await ask(client, [], last);
  return { facts: merge(facts, { ...noDetails, ...details, ...late }), histories };
}

/** Lists every schema that a plugin has or had, and that of its history. */
function schemaNames(plugins: readonly PluginMigrations[]): readonly string[] {
  const names = plugins.flatMap((plugin) => [
    plugin.schema,
    plugin.historySchema,
    ...plugin.previousSchemas,
  ]);
  return [...new Set(names)];
}

interface KnownSchemas {
  readonly existing: ReadonlySet<string>;
  /** The schemas whose history is read. */
  readonly readable: ReadonlySet<string>;
}

function nameSet(schemas: readonly SchemaFacts[]): ReadonlySet<string> {
  return new Set(schemas.map(({ name }) => name));
}

/** Whether a plugin may need a change, regardless of the histories. */
function isNewOrRenamed(plugin: PluginMigrations, { existing, readable }: KnownSchemas): boolean {
  const { historySchema, previousSchemas } = plugin;
  return !readable.has(historySchema) || previousSchemas.some((name) => existing.has(name));
}

/** Whether a plugin with a history, and without a rename, has pending files. */
function hasPending(plugin: PluginMigrations, histories: Histories): boolean {
  const { schema, historySchema } = plugin;
  const rows = histories.get(historySchema) ?? [];
  return planMigrations(plugin.files, rows, schema).pending.length > 0;
}

interface Answers {
  readonly histories: Histories;
  readonly details: Partial<SurveyDetails>;
}

/** Reads the histories of these schemas and asks these questions, in one message; in none when there is nothing to ask. */
async function ask(
  client: Querying,
  schemas: readonly SchemaFacts[],
  questions: readonly Question[],
): Promise<Answers> {
  const histories = new Map<string, HistoryRow[]>(schemas.map(({ name }) => [name, []]));
  const texts = [
    ...(schemas.length > 0 ? [historiesSql(schemas)] : []),
    ...(questions.length > 0 ? [detailsSql(questions)] : []),
  ];
  if (texts.length === 0) return { histories, details: {} };
  const answers = [await client.query(texts.join(';\n'))].flat() as readonly QueryAnswer[];
  if (schemas.length > 0) {
    const rows = answers[0]?.rows as readonly (RawHistoryRow & { schema: string })[];
    for (const row of rows) histories.get(row.schema)?.push(toHistoryRow(row));
  }
  if (questions.length === 0) return { histories, details: {} };
  const [row] = (answers.at(-1)?.rows ?? []) as readonly { readonly details: string }[];
  return { histories, details: JSON.parse(row?.details ?? '{}') as Partial<SurveyDetails> };
}

function merge(facts: ServerFacts, { owned, ...details }: SurveyDetails): DatabaseAnswer {
  const byName = new Map(owned.map((schema) => [schema.name, schema]));
  const schemas = facts.schemas.map((schema) => {
    const unasked = { name: schema.name, isEmpty: false, isOwned: true, closedSequence: null };
    return { ...schema, ...(byName.get(schema.name) ?? unasked) };
  });
  return { ...facts, ...details, schemas };
}
