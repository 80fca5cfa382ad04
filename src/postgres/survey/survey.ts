import type { Problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import { isConnectionLost, sqlStateOf } from '../connection/connection-error.ts';
import { findMissingExtensionSchemas } from './extension-problems.ts';
import {
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
  type ExtensionSetting,
} from './extension-schemas.ts';
import type { Migration } from '../sources/migration.ts';
import { toHistoryRow } from '../history/migration-history.ts';
import type { HistoryRow, RawHistoryRow } from '../history/migration-history.ts';
import type { Querying } from '../connection/querying.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import {
  judgePlan,
  lenientPolicies,
  type MigrationPolicies,
} from '../history/migration-policies.ts';
import { findStranded, type Claimant, type StrandedObjects } from './stranded-objects.ts';
import { findStrandedProblems } from './stranded-problems.ts';
import { findPublicExtensions } from './public-extensions.ts';
import { findRenamed } from './rename-marker.ts';
import { renamedAway } from './rename-problems.ts';
import { planRename, type RenamePlan } from './rename-plan.ts';
import type { StrayPolicy } from './stray-objects.ts';
import {
  findFileProblems,
  findHistoryProblems,
  findServerProblems,
  findWriteProblems,
} from './survey-problems.ts';
import { factsSql, historiesSql, isReadable } from './survey-statements.ts';
import type { DatabaseAnswer, SchemaAnswer } from './survey-statements.ts';

/** A plugin with the migrations it brings. */
export interface MigrationTarget {
  /** The plugin's id. */
  readonly id: string;
  readonly schema: string;
  /** Where the history table stands; in `schema` unless told. */
  readonly historySchema?: string | undefined;
  /** The schemas that it may have had under earlier ids. */
  readonly previousSchemas?: readonly string[] | undefined;
  readonly files: readonly Migration[];
}

export interface PluginSurvey {
  readonly id: string;
  readonly schema: string;
  readonly historySchema: string;
  readonly schemaExists: boolean;
  readonly historyExists: boolean;
  /** The schema of an earlier id, which is renamed to `schema` before anything else; `applied` is its history. */
  readonly renameFrom?: string | undefined;
  readonly applied: readonly HistoryRow[];
  readonly pending: readonly Migration[];
  /** What of it is in `public` in place of its schema; undefined when nothing is. */
  readonly stranded: StrandedObjects | undefined;
  /** What does not fit and may be. */
  readonly warnings: readonly Problem[];
  /** Its part of {@link Survey.problems}. */
  readonly problems: readonly Problem[];
}

/** What one look at the database tells about every plugin. */
export interface Survey {
  /** Such as `18.4`. */
  readonly server: string;
  readonly backendPid: number;
  /** Whether something between us and the server announced another backend than the one that answers. */
  readonly pooler: boolean;
  /** Whether our session is ours alone; behind a pooler only when it was told to keep sessions. */
  readonly keepsSession: boolean;
  readonly readOnly: boolean;
  /** The schemas behind a plugin's own on its `search_path`. */
  readonly extensionSchemas: readonly string[];
  /** Where a `CREATE EXTENSION` without a schema would go. */
  readonly extensions: ExtensionFacts;
  /** In the order in which they were given. */
  readonly plugins: readonly PluginSurvey[];
  /** Everything that would make the migrations fail; empty when they can begin. */
  readonly problems: readonly Problem[];
}

export interface SurveyOptions {
  /** `'session'`: the pooler in between keeps sessions. */
  readonly pooler?: 'session' | undefined;
  /** Whether what is pending will be applied; without it, what only a migration needs is no problem. True unless told. */
  readonly willApply?: boolean;
  /** Lenient unless told. */
  readonly policies?: MigrationPolicies;
  /** Whether `"public".` means the plugin's own schema; true unless told. */
  readonly rewritePublic?: boolean;
  /** What it is when something of a plugin stands in `public`: a problem unless told. */
  readonly strandedObjects?: 'error' | 'warn';
  /** `auto` unless told. */
  readonly extensionSchemas?: ExtensionSetting;
  /** Whether an extension may go into a plugin's own schema; `error` unless told. */
  readonly strayObjects?: StrayPolicy;
}

/** How often a survey starts again when a history disappears between its two statements. */
const attempts = 3;

/**
 * Looks at the whole database without changing anything, in two statements for any number of plugins (one when there is no
 * history to read), and needs no more rights than to read the histories.
 *
 * @throws BootError `DATABASE_UNREACHABLE` or `DATABASE_PRIVILEGE`
 * @example const { plugins, problems } = await surveyDatabase(client, [{ id: 'auth', schema: 'plugin_auth', files }]);
 */
export async function surveyDatabase(
  client: Querying & { readonly processID?: number | null | undefined },
  targets: readonly MigrationTarget[],
  options: SurveyOptions = {},
): Promise<Survey> {
  const { pooler: toldPooler, willApply = true, policies = lenientPolicies } = options;
  const { extensionSchemas: setting = 'auto', strayObjects = 'error' } = options;
  const { facts, histories } = await lookTwice(client, targets, setting).catch(refuse);
  const pooler = client.processID != null && client.processID !== facts.pid;
  const schemas = new Map(facts.schemas.map((schema) => [schema.name, schema]));
  const keepsSession = !pooler || toldPooler === 'session';
  const { strandedObjects = 'error' } = options;
  const context = { facts, schemas, keepsSession, willApply, policies, strandedObjects };
  const planned = targets.map((target) => planTarget(target, schemas, histories));
  const stranded = await findStranded(planned, facts.inPublic, options.rewritePublic ?? true);
  const known = planned.map((target) => surveyPlugin(target, stranded.get(target.id), context));
  const missing = willApply
    ? findMissingExtensionSchemas(known, facts.extensions, { setting, strayObjects })
    : [];
  const plugins = known.map((plugin) => ({
    ...plugin,
    problems: [...plugin.problems, ...missing.filter((each) => each.plugin === plugin.id)],
  }));
  return {
    server: facts.server,
    backendPid: facts.pid,
    pooler,
    keepsSession,
    readOnly: facts.readOnly,
    extensionSchemas: schemasOnPath(setting, facts.extensions),
    extensions: facts.extensions,
    plugins,
    problems: [
      ...(willApply ? findServerProblems(facts, targets) : []),
      ...plugins.flatMap(({ problems }) => problems),
    ],
  };
}

/** Only what pg says of the database becomes an error of ours; what aborted the survey stays what it is. */
function refuse(error: unknown): never {
  const sqlState = sqlStateOf(error);
  if (!isConnectionLost(error) && sqlState === undefined) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  const what = isConnectionLost(error) ? 'The connection broke while' : 'PostgreSQL refused when';
  throw new BootError(
    sqlState === '42501' ? 'DATABASE_PRIVILEGE' : 'DATABASE_UNREACHABLE',
    `${what} Slipway looked at the database: ${reason}`,
    { phase: 'migrateAll', cause: error, ...(sqlState && { database: { sqlState } }) },
  );
}

interface Look {
  readonly facts: DatabaseAnswer;
  readonly histories: ReadonlyMap<string, readonly HistoryRow[]>;
}

async function lookTwice(
  client: Querying,
  targets: readonly MigrationTarget[],
  setting: ExtensionSetting,
): Promise<Look> {
  const schemas = [
    ...new Set(
      targets.flatMap((target) => [...schemasOf(target), ...(target.previousSchemas ?? [])]),
    ),
  ];
  const sql = factsSql(setting, wantedExtensions(targets.flatMap(({ files }) => files)));
  for (let attempt = 1; ; attempt += 1) {
    const { rows } = await client.query<{ facts: string }>(sql, [schemas]);
    const facts = JSON.parse(rows[0]?.facts ?? '{}') as DatabaseAnswer;
    const readable = facts.schemas.filter(isReadable);
    try {
      return { facts, histories: await readHistories(client, readable) };
    } catch (error) {
      // A plugin's schema was renamed or dropped next door since the first statement.
      const isGone = ['42P01', '3F000', '42703'].includes(sqlStateOf(error) ?? '');
      if (!isGone || attempt === attempts) throw error;
    }
  }
}

async function readHistories(
  client: Querying,
  schemas: readonly SchemaAnswer[],
): Promise<ReadonlyMap<string, readonly HistoryRow[]>> {
  const histories = new Map<string, HistoryRow[]>(schemas.map(({ name }) => [name, []]));
  if (schemas.length === 0) return histories;
  const { rows } = await client.query<RawHistoryRow & { schema: string }>(historiesSql(schemas));
  for (const row of rows) histories.get(row.schema)?.push(toHistoryRow(row));
  return histories;
}

/** A target beside what its history has of it. `schema` and `historySchema` are called as they are now. */
interface PlannedTarget extends Claimant {
  readonly historySchema: string;
  readonly target: MigrationTarget;
  readonly rename: RenamePlan;
  readonly rows: readonly HistoryRow[];
  readonly plan: MigrationPlan<Migration>;
}

function planTarget(
  target: MigrationTarget,
  schemas: SurveyContext['schemas'],
  histories: Look['histories'],
): PlannedTarget {
  const { id, files } = target;
  const rename = planRename(target, schemas);
  const [schema, historySchema] =
    rename.from === undefined ? schemasOf(target) : [rename.from, rename.from];
  const rows = histories.get(historySchema) ?? [];
  const plan = planMigrations(files, rows, target.schema);
  const pending = new Set(plan.pending);
  const applied = files.filter((file) => !pending.has(file));
  const isAhead = plan.unknown.length > 0;
  return { id, schema, historySchema, target, rename, files, applied, isAhead, rows, plan };
}

interface SurveyContext {
  readonly facts: DatabaseAnswer;
  readonly schemas: ReadonlyMap<string, SchemaAnswer>;
  readonly keepsSession: boolean;
  readonly willApply: boolean;
  readonly policies: MigrationPolicies;
  readonly strandedObjects: 'error' | 'warn';
}

function surveyPlugin(
  planned: PlannedTarget,
  stranded: StrandedObjects | undefined,
  { facts, schemas, keepsSession, willApply, policies, strandedObjects }: SurveyContext,
): PluginSurvey {
  const { id, schema, historySchema, rename, files, rows: applied, plan } = planned;
  const { pending } = plan;
  const isRenamed = rename.from !== undefined;
  const plugin = { id, schema, historySchema, isRenamed, pending };
  const found = stranded ? findStrandedProblems(plugin, stranded) : [];
  const judgement = judgePlan({ id, historySchema, files, applied, plan }, policies);
  const historyExists = schemas.get(historySchema)?.history != null;
  const obstacle = rename.conflict ?? findNewName(planned.target, historyExists, facts);
  const [ownSchema, ownHistorySchema] = schemasOf(planned.target);
  return {
    id,
    schema: ownSchema,
    historySchema: ownHistorySchema,
    pending,
    schemaExists: schemas.has(ownSchema),
    historyExists,
    renameFrom: rename.from,
    applied,
    stranded,
    warnings: [
      ...judgement.warnings,
      ...(strandedObjects === 'warn' ? found : []),
      ...(willApply ? findPublicExtensions(plugin, facts.publicExtensions) : []),
    ],
    // What is wrong with the wrong schema is of no interest.
    problems: obstacle
      ? [obstacle]
      : [
          ...findHistoryProblems(plugin, facts, schemas),
          ...judgement.problems,
          ...(strandedObjects === 'error' ? found : []),
          ...(willApply ? findWriteProblems(plugin, facts, schemas) : []),
          ...(willApply ? findFileProblems(plugin, keepsSession) : []),
        ],
  };
}

/** A plugin that has nothing here, because somebody has renamed it. */
function findNewName(
  { id, schema }: MigrationTarget,
  historyExists: boolean,
  { renamed }: DatabaseAnswer,
): Problem | undefined {
  const now = historyExists ? undefined : findRenamed(schema, renamed);
  return now && renamedAway(id, schema, now);
}

/** The schema of a target's objects, and that of its history. */
export function schemasOf({
  schema,
  historySchema = schema,
}: Pick<MigrationTarget, 'schema' | 'historySchema'>): readonly [string, string] {
  return [schema, historySchema];
}
