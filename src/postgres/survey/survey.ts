import type { Problem } from '../../core/error-codes.ts';
import { BootError, toProblem } from '../../core/errors.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { isConnectionLost, sqlStateOf } from '../connection/connection-error.ts';
import type { Querying } from '../connection/querying.ts';
import { lenientPolicies, type MigrationPolicies } from '../history/migration-policies.ts';
import { isSql, ownNames, type Migration } from '../sources/migration.ts';
import type { MigrationTarget } from '../sources/migration-target.ts';
import { findMissingExtensionSchemas } from './extension-problems.ts';
import { schemasOnPath, type ExtensionFacts, type ExtensionSetting } from './extension-schemas.ts';
import type { FunctionPathPolicy } from './function-path-problems.ts';
import { lookAtDatabase } from './look-at-database.ts';
import { findStranded } from './stranded-objects.ts';
import type { StrayPolicy } from './stray-objects.ts';
import { planTarget, surveyPlugin, type PluginSurvey } from './survey-plugin.ts';
import { findServerProblems } from './survey-problems.ts';
import { messageOf } from '../../core/foreign-value.ts';

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
  /**
   * What to do about functions that run with a `search_path` out of their plugin's schema.
   *
   * @default 'warn'
   */
  readonly functionSearchPath?: FunctionPathPolicy;
}

/**
 * Looks at the whole database without changing anything, in two messages for any number of plugins (three when an applied
 * plugin has a new file), and needs no more rights than to read the histories.
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
  const { strandedObjects = 'error', rewritePublic = true, functionSearchPath = 'warn' } = options;
  const { facts, histories } = await lookAtDatabase(client, targets, setting).catch(refuse);
  const pooler = client.processID != null && client.processID !== facts.pid;
  const schemas = new Map(facts.schemas.map((schema) => [schema.name, schema]));
  const keepsSession = !pooler || toldPooler === 'session';
  const extensionSchemas = schemasOnPath(setting, facts.extensions);
  const context = {
    facts,
    schemas,
    keepsSession,
    willApply,
    policies,
    strandedObjects,
    functionSearchPath,
    extensionSchemas,
  };
  const planned = targets.map((target) => planTarget(target, schemas, histories));
  const stranded = await findStranded(planned, facts.inPublic, rewritePublic);
  const known = planned.map((target) => surveyPlugin(target, stranded.get(target.id), context));
  const missing = willApply
    ? findMissingExtensionSchemas(known, facts.extensions, { setting, strayObjects })
    : [];
  const isSent = willApply && rewritePublic;
  const plugins = await mapBounded(known, 1, async (plugin) => ({
    ...plugin,
    problems: [
      ...plugin.problems,
      ...(isSent ? await findBrokenSnapshot(plugin.pending) : []),
      ...missing.filter((each) => each.plugin === plugin.id),
    ],
  }));
  return {
    server: facts.server,
    backendPid: facts.pid,
    pooler,
    keepsSession,
    readOnly: facts.readOnly,
    extensionSchemas,
    extensions: facts.extensions,
    plugins,
    problems: [
      ...(willApply ? findServerProblems(facts, targets) : []),
      ...plugins.flatMap(({ problems }) => problems),
    ],
  };
}

/**
 * Reads the snapshots that a plugin's pending files need: without them, `"public".` could not be told from what is meant so.
 *
 * @returns The problem of the first snapshot that cannot be read.
 */
async function findBrokenSnapshot(pending: readonly Migration[]): Promise<readonly Problem[]> {
  try {
    for (const file of pending.filter(isSql)) await ownNames(file);
    return [];
  } catch (error) {
    if (error instanceof BootError) return [toProblem(error)];
    throw error;
  }
}

/** Only what pg says of the database becomes an error of ours; what aborted the survey stays what it is. */
function refuse(error: unknown): never {
  const sqlState = sqlStateOf(error);
  if (!isConnectionLost(error) && sqlState === undefined) throw error;
  const reason = messageOf(error);
  const what = isConnectionLost(error) ? 'The connection broke while' : 'PostgreSQL refused when';
  throw new BootError(
    sqlState === '42501' ? 'DATABASE_PRIVILEGE' : 'DATABASE_UNREACHABLE',
    `${what} Slipway looked at the database: ${reason}`,
    { phase: 'migrateAll', cause: error, ...(sqlState && { database: { sqlState } }) },
  );
}
