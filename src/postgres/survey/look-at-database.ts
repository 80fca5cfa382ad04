import type { MigrationSettings } from '../../core/settings.ts';
import { readSqlState } from '../connection/connection-error.ts';
import type { QueryAnswer, Querying } from '../connection/connection.ts';
import {
  historyTable,
  toHistoryRow,
  type HistoryRow,
  type RawHistoryRow,
} from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { isSql, readLongTexts, type Migration } from '../sources/migration.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { PluginMigrations, PluginSchemas } from '../sources/read-migrations.ts';
import { namesExtensions } from '../sql/extension-commands.ts';
import { textArray } from '../sql/identifier.ts';
import { unavailableSql, type UnavailableExtension } from './extension-problems.ts';
import {
  extensionFactsSql,
  followsExtensions,
  noExtensions,
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
} from './extension-schemas.ts';
import { publicExtensionsSql, type PublicExtension } from './public-extensions.ts';
import { historiesSql, isReadable } from './read-history.ts';
import {
  markedSchemasSql,
  renamableColumns,
  type CommentedSchema,
  type RenamableSchema,
} from './schema-names.ts';
import { publicObjectsSql, type PublicObject } from './stranded-objects.ts';

/** The answers of the catalogs. */
export interface DatabaseFacts extends ServerFacts, Omit<Details, 'owned'> {
  readonly schemas: readonly SchemaFacts[];
}

/** The answers about a schema; the second part is asked only where something may be changed. */
export type SchemaFacts = SchemaRights & OwnedSchema;

/** The answer to the first statement of the survey: what a boot without pending files needs, and no more. */
interface ServerFacts {
  readonly pid: number;
  readonly server: string;
  readonly readOnly: boolean;
  readonly role: string;
  readonly database: string;
  readonly canCreateSchema: boolean;
  /** Whether an extension is in a schema that could be one for extensions. */
  readonly hasExtensions: boolean;
  /** Whether `public` has anything that could belong to a plugin. */
  readonly isPublicUsed: boolean;
  /** The existing ones of the schemas in the question. */
  readonly schemas: readonly SchemaRights[];
}

interface SchemaRights {
  readonly name: string;
  readonly canUse: boolean;
  readonly canCreate: boolean;
  readonly history: {
    readonly columns: readonly string[];
    readonly canRead: boolean;
    readonly canWrite: boolean;
  } | null;
}

/**
 * Asks for {@link ServerFacts} of the schemas `$1`: one text of JSON, so that no type parser of the host's can change it. It reads
 * only catalogs, which every role may read. On a new connection each catalog costs extra time, mostly for planning, so what only
 * some boots need is in {@link Details}.
 */
const factsSql = `
select json_build_object(
  'pid', pg_backend_pid(),
  'server', split_part(current_setting('server_version'), ' ', 1),
  'readOnly', current_setting('transaction_read_only') = 'on',
  'role', current_user,
  'database', current_database(),
  'canCreateSchema', has_database_privilege(current_database(), 'CREATE'),
  'hasExtensions', exists (select from pg_extension e
    where e.extnamespace <> 'pg_catalog'::regnamespace and e.extnamespace is distinct from to_regnamespace('public')::oid),
  'isPublicUsed', exists (select from pg_depend d
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = to_regnamespace('public')::oid
      and d.classid in ('pg_class'::regclass, 'pg_type'::regclass)),
  'schemas', coalesce((
    select json_agg(json_build_object(
      'name', n.nspname,
      'canUse', has_schema_privilege(n.oid, 'USAGE'),
      'canCreate', has_schema_privilege(n.oid, 'CREATE'),
      'history', (
        select json_build_object(
          'columns', (
            select coalesce(json_agg(a.attname), '[]') from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
          'canRead', has_table_privilege(c.oid, 'SELECT'),
          'canWrite', has_table_privilege(c.oid, 'INSERT'))
        from pg_class c where c.relnamespace = n.oid and c.relname = '${historyTable}')))
    from pg_namespace n where n.nspname = any($1::text[])), '[]')
)::text as facts`;

/** The facts that only some boots need. */
interface Details {
  readonly extensions: ExtensionFacts;
  readonly inPublic: readonly PublicObject[];
  /** The schemas whose comment has a rename marker. */
  readonly renamed: readonly CommentedSchema[];
  /** The extensions of files that the server does not have. */
  readonly unavailable: readonly UnavailableExtension[];
  /** Empty when `public` is on the path of the plugins. */
  readonly publicExtensions: readonly PublicExtension[];
  readonly owned: readonly OwnedSchema[];
}

/** The facts that are needed of a schema before it is changed. */
interface OwnedSchema extends RenamableSchema {
  /** The sequence of the history's ids, when the role may not use it. An insert needs that right too. */
  readonly closedSequence: string | null;
}

/** SQL expressions of type json, each for one of the {@link Details}. */
type Questions = Readonly<Partial<Record<keyof Details, string>>>;

/** The state of all plugins in the database at one moment. */
export interface Look {
  readonly facts: DatabaseFacts;
  /** By schema. */
  readonly histories: Histories;
  /** Each plugin whose folder could be read. */
  readonly plugins: readonly PluginMigrations[];
  /** What is pending for each of them under its present name. */
  readonly plans: Plans;
}

type Histories = ReadonlyMap<string, readonly HistoryRow[]>;
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
  const schemas = new Set(
    named.flatMap((each) => [each.schema, each.historySchema, ...each.previousSchemas]),
  );
  const names = [...schemas];
  const { rows } = await client.query<{ facts: string }>(factsSql, [names]);
  const facts = JSON.parse(rows[0]?.facts ?? '{}') as ServerFacts;
  const readable = facts.schemas.filter(isReadable);
  const mayChange = hasNewOrRenamed(named, facts.schemas, readable);
  const hasOwnSchemas = named.some(({ schema }) => schema !== 'public');
  const { histories, details } = await ask(client, readable, {
    ...(followsExtensions(settings) &&
      facts.hasExtensions && { extensions: extensionFactsSql(settings, []) }),
    ...(facts.isPublicUsed && hasOwnSchemas && { inPublic: publicObjectsSql(names) }),
    ...(mayChange && (await changeQuestions(names, filesOf(await read()), settings))),
  });
  const plugins = await read();
  for (const { files, schema, historySchema } of plugins) {
    await hashLongForms(files, histories.get(historySchema) ?? [], schema);
  }
  const plans = planAll(plugins, histories);
  const pending = Array.from(plans.values()).flatMap((plan) => plan.pending);
  const isLate = !mayChange && pending.length > 0;
  const late = await ask(client, [], isLate ? await changeQuestions(names, pending, settings) : {});
  return { facts: merge(facts, { ...details, ...late.details }), histories, plugins, plans };
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
    ({ historySchema, previousSchemas }) =>
      !withHistory.has(historySchema) || previousSchemas.some((name) => existing.has(name)),
  );
}

function planAll(plugins: readonly PluginMigrations[], histories: Histories): Plans {
  return new Map(
    plugins.map((plugin) => {
      const { files, schema, historySchema } = plugin;
      return [plugin, planMigrations(files, histories.get(historySchema) ?? [], schema)];
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
  const texts = [
    ...(schemas.length > 0 ? [historiesSql(schemas)] : []),
    ...(fields.length > 0
      ? [`select json_build_object(${fields.join(', ')})::text as details`]
      : []),
  ];
  if (texts.length === 0) return { histories, details: {} };
  const answers = [await client.query(texts.join(';\n'))].flat() as readonly QueryAnswer[];
  if (schemas.length > 0) {
    const rows = answers[0]?.rows as readonly (RawHistoryRow & { schema: string })[];
    for (const row of rows) histories.get(row.schema)?.push(toHistoryRow(row));
  }
  if (fields.length === 0) return { histories, details: {} };
  const [row] = (answers.at(-1)?.rows ?? []) as readonly { readonly details: string }[];
  return { histories, details: JSON.parse(row?.details ?? '{}') as Partial<Details> };
}

function merge(facts: ServerFacts, { owned = [], ...details }: Partial<Details>): DatabaseFacts {
  const byName = new Map(owned.map((schema) => [schema.name, schema]));
  const unasked = { isEmpty: false, isOwned: true, closedSequence: null };
  return {
    ...facts,
    extensions: noExtensions,
    inPublic: [],
    renamed: [],
    unavailable: [],
    publicExtensions: [],
    ...details,
    schemas: facts.schemas.map((schema) => ({
      ...schema,
      ...(byName.get(schema.name) ?? unasked),
    })),
  };
}

function filesOf(plugins: readonly PluginMigrations[]): readonly Migration[] {
  return plugins.flatMap(({ files }) => files);
}

/**
 * The questions about everything that may prevent a change.
 *
 * @param files The files that may be pending.
 */
async function changeQuestions(
  schemas: readonly string[],
  files: readonly Migration[],
  settings: MigrationSettings,
): Promise<Questions> {
  await readLongTexts(
    files.filter((file) => isSql(file) && (!file.sql.isRead || namesExtensions(file.sql))),
  );
  const isPublicOnPath = schemasOnPath(settings).includes('public');
  return {
    extensions: extensionFactsSql(settings, wantedExtensions(files)),
    renamed: markedSchemasSql,
    unavailable: unavailableSql(files),
    owned: ownedSchemasSql(schemas),
    ...(isPublicOnPath ? {} : { publicExtensions: publicExtensionsSql }),
  };
}

function ownedSchemasSql(schemas: readonly string[]): string {
  return `(
    select coalesce(json_agg(json_build_object(
      ${renamableColumns},
      'closedSequence', (
        select s.relname from pg_class c
          join pg_depend d on d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
            and d.refobjid = c.oid and d.deptype = 'a'
          join pg_class s on s.oid = d.objid and s.relkind = 'S'
        where c.relnamespace = n.oid and c.relname = '${historyTable}'
          and not has_sequence_privilege(s.oid, 'USAGE, UPDATE')
        limit 1))), '[]')
    from pg_namespace n where n.nspname = any(${textArray(schemas)}))`;
}
