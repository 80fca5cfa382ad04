import type { Problem } from '../core/error-codes.ts';
import { BootError } from '../core/errors.ts';
import { isConnectionLost, sqlStateOf } from './connection-error.ts';
import type { Migration } from './migration.ts';
import { toHistoryRow } from './migration-history.ts';
import type { HistoryRow, Querying, RawHistoryRow } from './migration-history.ts';
import { planMigrations, type MigrationPlan } from './migration-plan.ts';
import { judgePlan, lenientPolicies, type MigrationPolicies } from './migration-policies.ts';
import { findStranded, type Claimant, type StrandedObjects } from './stranded-objects.ts';
import { findStrandedProblems } from './stranded-problems.ts';
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
  readonly files: readonly Migration[];
}

export interface PluginSurvey {
  readonly id: string;
  readonly schema: string;
  readonly historySchema: string;
  readonly schemaExists: boolean;
  readonly historyExists: boolean;
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
  const { facts, histories } = await lookTwice(client, targets).catch(refuse);
  const pooler = client.processID != null && client.processID !== facts.pid;
  const schemas = new Map(facts.schemas.map((schema) => [schema.name, schema]));
  const keepsSession = !pooler || toldPooler === 'session';
  const { strandedObjects = 'error' } = options;
  const context = { facts, schemas, keepsSession, willApply, policies, strandedObjects };
  const planned = targets.map((target) => planTarget(target, histories));
  const stranded = await findStranded(planned, facts.inPublic, options.rewritePublic ?? true);
  const plugins = planned.map((target) => surveyPlugin(target, stranded.get(target.id), context));
  return {
    server: facts.server,
    backendPid: facts.pid,
    pooler,
    keepsSession,
    readOnly: facts.readOnly,
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

async function lookTwice(client: Querying, targets: readonly MigrationTarget[]): Promise<Look> {
  const schemas = [...new Set(targets.flatMap(schemasOf))];
  for (let attempt = 1; ; attempt += 1) {
    const { rows } = await client.query<{ facts: string }>(factsSql, [schemas]);
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

/** A target beside what its history has of it. */
interface PlannedTarget extends Claimant {
  readonly historySchema: string;
  readonly rows: readonly HistoryRow[];
  readonly plan: MigrationPlan<Migration>;
}

function planTarget(target: MigrationTarget, histories: Look['histories']): PlannedTarget {
  const { id, files } = target;
  const [schema, historySchema] = schemasOf(target);
  const rows = histories.get(historySchema) ?? [];
  const plan = planMigrations(files, rows, schema);
  const pending = new Set(plan.pending);
  const applied = files.filter((file) => !pending.has(file));
  const isAhead = plan.unknown.length > 0;
  return { id, schema, historySchema, files, applied, isAhead, rows, plan };
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
  target: PlannedTarget,
  stranded: StrandedObjects | undefined,
  { facts, schemas, keepsSession, willApply, policies, strandedObjects }: SurveyContext,
): PluginSurvey {
  const { id, schema, historySchema, files, rows: applied, plan } = target;
  const plugin = { id, schema, historySchema, pending: plan.pending };
  const found = stranded ? findStrandedProblems(plugin, stranded) : [];
  const judgement = judgePlan({ id, historySchema, files, applied, plan }, policies);
  return {
    ...plugin,
    schemaExists: schemas.has(schema),
    historyExists: schemas.get(historySchema)?.history != null,
    applied,
    stranded,
    warnings: [...judgement.warnings, ...(strandedObjects === 'warn' ? found : [])],
    problems: [
      ...findHistoryProblems(plugin, facts, schemas),
      ...judgement.problems,
      ...(strandedObjects === 'error' ? found : []),
      ...(willApply ? findWriteProblems(plugin, facts, schemas) : []),
      ...(willApply ? findFileProblems(plugin, keepsSession) : []),
    ],
  };
}

/** The schema of a target's objects, and that of its history. */
export function schemasOf({
  schema,
  historySchema = schema,
}: Pick<MigrationTarget, 'schema' | 'historySchema'>): readonly [string, string] {
  return [schema, historySchema];
}
