import { formatDuration } from '../../core/duration.ts';
import { problem, type Problem } from '../../core/error-codes.ts';
import { asBootError, BootError, toProblem } from '../../core/errors.ts';
import { growPause, sleep } from '../../core/patience.ts';
import type { Plugin } from '../../core/plugin.ts';
import { listNames } from '../../core/printable.ts';
import { getPluginSchemaName, getPreviousSchemaNames } from '../../core/schema-name.ts';
import {
  readMigrations,
  findSharedFolders,
  type PluginMigrations,
  type PluginSchemas,
} from '../../postgres/sources/read-migrations.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import type { PluginSurvey } from '../../postgres/survey/survey-plugin.ts';
import { surveyWhileReading, type Survey } from '../../postgres/survey/survey.ts';
import type { Around } from '../around/around.ts';
import {
  expandTenants,
  findTenants,
  noTenants,
  type FoundTenants,
  type SchemaOwners,
} from './find-tenants.ts';
import { groupFindings } from './group-findings.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { createPatientPool } from '../around/patient-pool.ts';

/** The migrations of the plugins, as they are read. */
interface ReadPlugins {
  readonly migrations: readonly PluginMigrations[];
  /** The problems of the folders. */
  readonly problems: readonly Problem[];
}

/** The migrations of the plugins and of each of their tenants, beside what the database says about them. */
export interface SurveyedPlugins extends ReadPlugins {
  readonly tenants: FoundTenants['tenants'];
  /** Left out when no plugin has migrations: then nothing is sent to the database. */
  readonly survey?: Survey;
  /** Every problem, in the folders and in the database. */
  readonly problems: readonly Problem[];
}

/** The survey of a boot that may have waited for the migrations of another process. */
interface AwaitedPlugins extends SurveyedPlugins {
  /** The plugins and tenants that another process has migrated meanwhile: it may not have waited for the disk. */
  readonly awaited: readonly string[];
}

const pauses = { firstMs: 200, longestMs: 5_000 };

/**
 * Surveys the plugins as `migrations.mode` says: `apply` looks once; `verify` makes every pending file a problem; `wait` looks
 * again until nothing is pending, because a migrate job in another process is done.
 */
export async function surveyByMode(
  around: Around,
  plugins: readonly Plugin[],
  owners: SchemaOwners,
  signal: AbortSignal,
): Promise<AwaitedPlugins> {
  const { settings, clock, emit } = around;
  const { mode, lockWait: waitMs } = settings.migrations;
  const deadline = clock.elapsed() + waitMs;
  const awaited = new Set<string>();
  for (let attempt = 1; ; attempt += 1) {
    const surveyed = await surveyPlugins(around, plugins, owners, signal);
    const pending = mode === 'apply' ? [] : pendingProblems(surveyed);
    if (pending.length === 0 || surveyed.problems.length > 0) {
      // A standby has everything that it shows on its disk, and takes no flush.
      return { ...surveyed, awaited: surveyed.survey?.readOnly ? [] : [...awaited] };
    }
    const leftMs = deadline - clock.elapsed();
    if (mode === 'verify') return { ...surveyed, problems: pending, awaited: [] };
    if (leftMs <= 0) {
      return { ...surveyed, problems: pending.map(afterWaiting(waitMs)), awaited: [] };
    }
    for (const { id } of listWork(surveyed)) awaited.add(id);
    const nextInMs = Math.min(growPause(attempt, pauses), leftMs);
    const waiting = listNames(pending.map(({ plugin = '' }) => plugin));
    const reason = `migrations of ${waiting} are pending`;
    emit({ type: 'boot.waiting', kind: 'gate', reason, attempt, nextInMs });
    await sleep(clock, nextInMs, signal);
  }
}

/** The plugins and tenants that have anything to migrate. */
export function listWork({ survey }: Pick<SurveyedPlugins, 'survey'>): readonly PluginSurvey[] {
  return (survey?.plugins ?? []).filter(hasWork);
}

function pendingProblems(surveyed: SurveyedPlugins): readonly Problem[] {
  const found = listWork(surveyed).map(({ id, pending, renameFrom, missingSchemas }) => {
    const files = listNames(pending.map(({ name }) => name));
    const what = [
      ...(renameFrom === undefined ? [] : [`its schema still under the name ${renameFrom}`]),
      ...(missingSchemas.length === 0 ? [] : [`no schema ${listNames(missingSchemas)} yet`]),
      ...(files === '' ? [] : [`migrations that are not applied: ${files}`]),
    ].join(', and ');
    return problem('MIGRATION_PENDING', `${id} has ${what}`, { plugin: id });
  });
  return groupFindings(found, surveyed.survey?.plugins ?? []);
}

function afterWaiting(waitMs: number): (found: Problem) => Problem {
  return (found) => ({
    ...found,
    message: `${found.message}, after ${formatDuration(waitMs)}`,
    hint: 'Check that the migrate job ran, with this release, on this database. A boot waits for it for migrations.lockWait.',
  });
}

/**
 * Looks at the database once, and reads every migrations folder meanwhile. Changes nothing.
 *
 * @param owners The plugins whose schemas no tenant can have.
 */
export async function surveyPlugins(
  around: Around,
  plugins: readonly Plugin[],
  owners: SchemaOwners,
  canceled: AbortSignal,
): Promise<SurveyedPlugins> {
  const migrating = plugins.filter(({ migrations }) => migrations !== undefined);
  if (migrating.length === 0) return noMigrations;
  const nothingToAsk = new AbortController();
  const reading = readPlugins(migrating, around.settings);
  const looking = lookAtDatabase(around, migrating, owners, reading, {
    canceled,
    whileConnecting: AbortSignal.any([canceled, nothingToAsk.signal]),
  });
  const stopAsking = (): void => nothingToAsk.abort();
  reading.then(({ migrations }) => migrations.length === 0 && stopAsking(), stopAsking);
  const [read, look] = await Promise.allSettled([reading, looking]);
  if (read.status === 'rejected') throw read.reason;
  if (read.value.migrations.length === 0) return { ...noMigrations, ...read.value };
  if (look.status === 'rejected') throw look.reason;
  const { survey, found } = look.value;
  const { tenants } = found;
  return {
    migrations: expandTenants(read.value.migrations, found),
    tenants,
    survey,
    problems: groupFindings(
      [...read.value.problems, ...found.problems, ...survey.problems],
      survey.plugins,
    ),
  };
}

const noMigrations: SurveyedPlugins = { migrations: [], problems: [], tenants: noTenants.tenants };

async function readPlugins(
  plugins: readonly Plugin[],
  settings: BootSettings,
): Promise<ReadPlugins> {
  const { migrations, problems } = await readAllMigrations(plugins, settings);
  return { migrations, problems: [...problems, ...(await findSharedFolders(plugins))] };
}

/** Whether a plugin or a tenant has anything to migrate before it may start. */
export function hasWork({ pending, renameFrom, missingSchemas }: PluginSurvey): boolean {
  return pending.length > 0 || renameFrom !== undefined || missingSchemas.length > 0;
}

/** @throws BootError `PLAN_INVALID` with all the problems, if there are any. */
export function refuseProblems({ problems }: Pick<SurveyedPlugins, 'problems'>): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw new BootError('PLAN_INVALID', `The migrations do not fit the database: ${count}`, {
    phase: 'migrateAll',
    problems,
  });
}

/** Reads the migrations of all plugins that have some. A folder that cannot be used is a problem. */
export async function readAllMigrations(
  plugins: readonly Plugin[],
  settings: BootSettings,
): Promise<ReadPlugins> {
  const migrations: PluginMigrations[] = [];
  const problems: Problem[] = [];
  for (const plugin of plugins) {
    const read = await readPluginMigrations(plugin, settings);
    if (read && 'files' in read) migrations.push(read);
    else if (read) problems.push(read);
  }
  return { migrations, problems };
}

async function readPluginMigrations(
  plugin: Plugin,
  settings: BootSettings,
): Promise<PluginMigrations | Problem | undefined> {
  const { id, migrations } = plugin;
  if (migrations === undefined) return undefined;
  try {
    return { ...nameSchemas(plugin, settings), files: await readMigrations(id, migrations) };
  } catch (error) {
    const known = asBootError(error);
    if (known) return toProblem(known);
    throw error;
  }
}

/** Names the schemas of a plugin; those of its tenants are not known before they are asked for. */
export function nameSchemas(
  { id, previousIds, schemas = [] }: Plugin,
  settings: BootSettings,
): PluginSchemas {
  const { schemaPrefix } = settings.migrations;
  const previousSchemas = getPreviousSchemaNames(previousIds, schemaPrefix);
  return { id, ...findSchemas(id, settings), previousSchemas, furtherSchemas: schemas };
}

/** Finds the schema of a plugin, or the two that the host has chosen for itself. */
export function findSchemas(
  id: string,
  { host, migrations }: BootSettings,
): Pick<PluginMigrations, 'schema' | 'historySchema'> {
  if (id === host?.plugin.id) return { schema: host.schema, historySchema: host.historySchema };
  const schema = getPluginSchemaName(id, migrations.schemaPrefix);
  return { schema, historySchema: schema };
}

async function lookAtDatabase(
  around: Around,
  plugins: readonly Plugin[],
  owners: SchemaOwners,
  reading: Promise<ReadPlugins>,
  signals: { readonly canceled: AbortSignal; readonly whileConnecting: AbortSignal },
): Promise<{ readonly survey: Survey; readonly found: FoundTenants }> {
  const { settings, clock, cut } = around;
  const { migrations, pooler } = settings;
  const pool = createPatientPool(around, { phase: 'migrateAll', signal: signals.whileConnecting });
  const options = { settings: migrations, pooler, willApply: migrations.mode === 'apply' };
  // It only reads, so that it may look once more.
  const pin = { signal: signals.canceled, clock, cut, mayRepeat: () => true };
  const schemas = plugins.map((plugin) => nameSchemas(plugin, settings));
  return withPinnedClient(pool, pin, async (client) => {
    const found = await findTenants(around, plugins, owners, client, signals.canceled);
    const named = expandTenants(schemas, found);
    const read = async (): Promise<readonly PluginMigrations[]> =>
      expandTenants((await reading).migrations, found);
    return { survey: await surveyWhileReading(client, named, read, options), found };
  });
}
