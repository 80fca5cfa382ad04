import type { Problem } from '../core/error-codes.ts';
import { asBootError, BootError, toProblem } from '../core/errors.ts';
import type { Tell } from '../core/events.ts';
import { mapBounded } from '../core/map-bounded.ts';
import type { Plugin } from '../core/plugin.ts';
import { getPluginSchemaName, getPreviousSchemaNames } from '../core/schema-name.ts';
import type { PoolLike } from '../postgres/connection/connection.ts';
import { readMigrations } from '../postgres/sources/read-migrations.ts';
import { findSharedFolders } from '../postgres/sources/shared-folders.ts';
import { withPinnedClient } from '../postgres/connection/pinned-client.ts';
import type { PluginSurvey } from '../postgres/survey/survey-plugin.ts';
import { surveyDatabase, type Survey } from '../postgres/survey/survey.ts';
import type { MigrationTarget } from '../postgres/sources/migration-target.ts';
import type { BootSetup } from './boot-options.ts';
import { createPatientPool } from './patient-pool.ts';

export interface SurveyParts {
  readonly pool: PoolLike;
  readonly setup: BootSetup;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly cut?: AbortSignal;
  readonly onStatement?: () => void;
}

/** The plugins' migrations, as they are read. */
interface ReadPlugins {
  readonly targets: readonly MigrationTarget[];
  /** What is wrong in the folders. */
  readonly problems: readonly Problem[];
}

/** The plugins' migrations beside what the database says of them. */
export interface SurveyedPlugins extends ReadPlugins {
  /** Left out when no plugin brings migrations: then nobody asks the database. */
  readonly survey?: Survey;
  /** Everything that is wrong, in the folders and in the database. */
  readonly problems: readonly Problem[];
}

/** Looks at the database once, and reads every migrations folder while it connects. Changes nothing. */
export async function surveyPlugins(
  plugins: readonly Plugin[],
  parts: SurveyParts,
): Promise<SurveyedPlugins> {
  if (plugins.every(({ migrations }) => migrations === undefined)) return noMigrations;
  const nothingToAsk = new AbortController();
  const reading = readPlugins(plugins, parts.setup);
  const signal = AbortSignal.any([parts.signal, nothingToAsk.signal]);
  const looking = lookAtDatabase(reading, { ...parts, signal });
  const stopAsking = (): void => nothingToAsk.abort();
  reading.then(({ targets }) => targets.length === 0 && stopAsking(), stopAsking);
  const [read, look] = await Promise.allSettled([reading, looking]);
  if (read.status === 'rejected') throw read.reason;
  if (read.value.targets.length === 0) return read.value;
  if (look.status === 'rejected') throw look.reason;
  const { targets, problems } = read.value;
  return { targets, survey: look.value, problems: [...problems, ...look.value.problems] };
}

const noMigrations: SurveyedPlugins = { targets: [], problems: [] };

async function readPlugins(plugins: readonly Plugin[], setup: BootSetup): Promise<ReadPlugins> {
  const { targets, problems } = await readTargets(plugins, setup);
  return { targets, problems: [...problems, ...(await findSharedFolders(plugins))] };
}

/** Tells for each plugin what is pending, and what of its history does not quite fit. */
export function tellPlans({ survey }: SurveyedPlugins, tell: Tell): void {
  for (const { id, schema, applied, pending, renameFrom, warnings } of survey?.plugins ?? []) {
    tell({
      type: 'plugin.migrate.planned',
      plugin: id,
      schema,
      applied,
      pending: pending.map(({ name }) => name),
      ...(renameFrom === undefined ? {} : { renameFrom }),
    });
    for (const warning of warnings) {
      tell({ type: 'plugin.migrate.warning', ...warning, plugin: id });
    }
  }
}

/** Whether there is anything to do for a plugin before it may start. */
export function hasWork({ pending, renameFrom }: PluginSurvey): boolean {
  return pending.length > 0 || renameFrom !== undefined;
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

/** Folders read at once; more only wait for the same disk. */
const readersAtOnce = 16;

/** Reads the migrations of all plugins that have some; what is wrong with a folder is a problem. */
export async function readTargets(
  plugins: readonly Plugin[],
  setup: BootSetup,
): Promise<ReadPlugins> {
  const read = await mapBounded(plugins, readersAtOnce, (plugin) => readTarget(plugin, setup));
  return {
    targets: read.flatMap((each) => (each && 'files' in each ? each : [])),
    problems: read.flatMap((each) => (each && 'code' in each ? each : [])),
  };
}

async function readTarget(
  { id, migrations, previousIds }: Plugin,
  setup: BootSetup,
): Promise<MigrationTarget | Problem | undefined> {
  if (migrations === undefined) return undefined;
  try {
    const { schemaPrefix } = setup.settings.migrations;
    return {
      id,
      ...placeOf(id, setup),
      previousSchemas: getPreviousSchemaNames(previousIds, schemaPrefix),
      files: await readMigrations(id, migrations),
    };
  } catch (error) {
    const known = asBootError(error);
    if (known) return toProblem(known);
    throw error;
  }
}

/** The schema of a plugin, or what the host has chosen for itself. */
export function placeOf(
  id: string,
  { host, settings }: BootSetup,
): Pick<MigrationTarget, 'schema' | 'historySchema'> {
  if (id === host?.plugin.id) return { schema: host.schema, historySchema: host.historySchema };
  return { schema: getPluginSchemaName(id, settings.migrations.schemaPrefix) };
}

async function lookAtDatabase(
  reading: Promise<ReadPlugins>,
  { pool, setup, tell, signal, cut, onStatement }: SurveyParts,
): Promise<Survey> {
  const { settings, clock } = setup;
  const patient = createPatientPool({
    pool,
    phase: 'migrateAll',
    waitMs: settings.connect.wait,
    clock,
    tell,
    signal,
  });
  const options = {
    pooler: settings.pooler,
    willApply: settings.migrations.mode === 'apply',
    policies: settings.migrations,
    extensionSchemas: settings.migrations.extensionSchemas,
    strayObjects: settings.migrations.strayObjects,
    rewritePublic: settings.migrations.rewritePublic,
    strandedObjects: settings.migrations.strandedObjects,
    functionSearchPath: settings.migrations.functionSearchPath,
  };
  // It only reads, so that it may look once more.
  const pin = { signal, cut, onStatement, mayRepeat: () => true };
  return withPinnedClient(patient, pin, async (client) =>
    surveyDatabase(client, (await reading).targets, options),
  );
}
