import type { Problem } from '../../core/error-codes.ts';
import { BootError, toProblem } from '../../core/errors.ts';
import { isTenant } from '../../core/tenants.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { isConnectionLost, readSqlState } from '../connection/connection-error.ts';
import type { Querying } from '../connection/connection.ts';
import { isSql, ownNames, readLongTexts, type Migration } from '../sources/migration.ts';
import type { PluginMigrations, PluginSchemas } from '../sources/read-migrations.ts';
import { findMissingExtensionSchemas } from './extension-problems.ts';
import type { DatabasePlace } from '../../core/events.ts';
import { letOthersRun } from '../sql/time-slices.ts';
import { schemasOnPath, type ExtensionFacts } from './extension-schemas.ts';
import type { SchemaFacts } from './database-facts.ts';
import { lookAtDatabase } from './look-at-database.ts';
import { findStranded } from './stranded-objects.ts';
import { filesToRun, planPlugin, surveyPlugin, type PluginSurvey } from './survey-plugin.ts';
import { findServerProblems } from './access-problems.ts';
import { readMessage } from '../../core/foreign-value.ts';

/** The result of the survey for every plugin. */
export interface Survey {
  /** Such as `18.4`. */
  readonly server: string;
  readonly place: DatabasePlace;
  readonly backendPid: number;
  /** Whether the backend that answers is not the one that was announced, so that a pooler is in between. */
  readonly pooler: boolean;
  /** Whether no other client gets our session; behind a pooler only with the option `pooler: 'session'`. */
  readonly keepsSession: boolean;
  readonly readOnly: boolean;
  readonly role: string;
  readonly canCreateSchema: boolean;
  /** The rights on the schemas in question that exist. */
  readonly schemas: readonly SchemaFacts[];
  /** The schemas after a plugin's own on its `search_path`. */
  readonly schemasOnPath: readonly string[];
  /** The schemas for a `CREATE EXTENSION` without a schema. */
  readonly extensions: ExtensionFacts;
  /** In the order in which they were given. */
  readonly plugins: readonly PluginSurvey[];
  /** Everything that would make the migrations fail; empty when they can begin. */
  readonly problems: readonly Problem[];
}

interface SurveyOptions {
  readonly settings: MigrationSettings;
  /** `'session'`: the pooler in between keeps sessions. */
  readonly pooler?: 'session' | undefined;
  /** Whether pending files will be applied. Otherwise what only a migration needs is no problem. */
  readonly willApply: boolean;
}

/** A connection with what it says about the server. */
type SurveyClient = Querying & {
  readonly processID?: number | null | undefined;
  readonly server?: Omit<DatabasePlace, 'database'>;
};

/**
 * Reads the state of the whole database without changing anything, in two messages for any number of plugins (three when an
 * applied plugin has a new file). It needs only the right to read the histories.
 *
 * @throws BootError `DATABASE_UNREACHABLE` or `DATABASE_PRIVILEGE`
 * @example const { plugins, problems } = await surveyDatabase(client, plugins, { settings, willApply: true });
 */
export function surveyDatabase(
  client: SurveyClient,
  plugins: readonly PluginMigrations[],
  options: SurveyOptions,
): Promise<Survey> {
  return surveyWhileReading(client, plugins, async () => plugins, options);
}

/**
 * Does the same while the files of the plugins are still being read.
 *
 * @param read Waits for the plugins with their files; those whose folder cannot be read are left out.
 */
export async function surveyWhileReading(
  client: SurveyClient,
  named: readonly PluginSchemas[],
  read: () => Promise<readonly PluginMigrations[]>,
  { settings, pooler: keptBy, willApply }: SurveyOptions,
): Promise<Survey> {
  const look = await lookAtDatabase(client, named, read, settings).catch(refuse);
  const { facts, plugins } = look;
  const pooler = client.processID != null && client.processID !== facts.pid;
  const schemas = new Map(facts.schemas.map((schema) => [schema.name, schema]));
  const keepsSession = !pooler || keptBy === 'session';
  const onPath = schemasOnPath(settings, facts.extensions);
  const context = { facts, schemas, keepsSession, willApply, settings, onPath };
  const planned = plugins.map((plugin) => planPlugin(plugin, schemas, look));
  await readLongTexts(planned.flatMap(({ plan }) => plan.pending));
  // An object in public could be that of any tenant.
  const claimants = planned.filter(({ id }) => !isTenant(id));
  const stranded = await findStranded(claimants, facts.inPublic, settings.rewritePublic);
  const known: PluginSurvey[] = [];
  for (const plugin of planned) {
    await letOthersRun();
    known.push(surveyPlugin(plugin, stranded.get(plugin.id), context));
  }
  const running = known.map((plugin) => ({ ...plugin, pending: filesToRun(plugin) }));
  const missing = willApply ? findMissingExtensionSchemas(running, facts.extensions, settings) : [];
  const isSent = willApply && settings.rewritePublic;
  const surveyed = await mapBounded(known, 1, async (plugin) => ({
    ...plugin,
    problems: [
      ...plugin.problems,
      ...(isSent ? await findBrokenSnapshot(filesToRun(plugin)) : []),
      ...missing.filter((each) => each.plugin === plugin.id),
    ],
  }));
  return {
    server: facts.server,
    place: { database: facts.database, ...client.server },
    backendPid: facts.pid,
    pooler,
    keepsSession,
    readOnly: facts.readOnly,
    role: facts.role,
    canCreateSchema: facts.canCreateSchema,
    schemas: facts.schemas,
    schemasOnPath: onPath,
    extensions: facts.extensions,
    plugins: surveyed,
    problems: [
      ...(willApply ? findServerProblems(facts, plugins) : []),
      ...surveyed.flatMap(({ problems }) => problems),
    ],
  };
}

/**
 * Reads the snapshots that a plugin's pending files need: without them, it is unknown which `"public".` means the plugin's schema.
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

/** Turns an error of pg into a BootError; the reason of an abort is thrown unchanged. */
function refuse(error: unknown): never {
  const sqlState = readSqlState(error);
  if (!isConnectionLost(error) && sqlState === undefined) throw error;
  const reason = readMessage(error);
  const what = isConnectionLost(error) ? 'The connection broke while' : 'PostgreSQL refused when';
  throw new BootError(
    sqlState === '42501' ? 'DATABASE_PRIVILEGE' : 'DATABASE_UNREACHABLE',
    `${what} Slipway looked at the database: ${reason}`,
    { phase: 'migrateAll', cause: error, ...(sqlState && { database: { sqlState } }) },
  );
}
