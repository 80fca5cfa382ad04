import type { Pool } from 'pg';
import type { Clock } from '../../../core/clock.ts';
import type { Problem, Warning } from '../../../core/error-codes.ts';
import { asBootError, BootError } from '../../../core/errors.ts';
import { readMessage } from '../../../core/foreign-value.ts';
import type { Plugin } from '../../../core/plugin.ts';
import { getPreviousSchemaNames } from '../../../core/schema-name.ts';
import { openPools } from '../../../postgres/connection/connection.ts';
import { withPinnedClient, type PinnedClient } from '../../../postgres/connection/pinned-client.ts';
import { findFleet, type Fleet } from '../../../postgres/doctor/fleet.ts';
import {
  findPackageVersions,
  type PackageVersions,
} from '../../../postgres/doctor/package-versions.ts';
import {
  checksConnections,
  measureRoundTrip,
  readServerFacts,
  type RoundTrip,
  type ServerFacts,
} from '../../../postgres/doctor/server-facts.ts';
import type { PluginMigrations } from '../../../postgres/sources/read-migrations.ts';
import { surveyDatabase, type Survey } from '../../../postgres/survey/survey.ts';
import {
  expandTenants,
  findTenants,
  noTenants,
  type FoundTenants,
} from '../../migrate-all/find-tenants.ts';
import { groupFindings } from '../../migrate-all/group-findings.ts';
import { findSchemas, readAllMigrations } from '../../migrate-all/survey-plugins.ts';
import type { BootSettings } from '../../options/boot-settings.ts';
import { connectWithinMs, within, withClientOnce } from '../with-client-once.ts';
import { endSoon } from '../with-plugins.ts';
import { findPlugins, type FoundPlugins } from './find-plugins.ts';

/** A value, or why it could not be read. */
export type Answer<T> = { readonly value: T } | { readonly because: string };

/** The way to PostgreSQL. */
export interface Link {
  readonly connectMs: number;
  readonly roundTrips: readonly RoundTrip[];
  /** The backend that was announced; a pooler announces one of its own. */
  readonly announcedPid: number | undefined;
  /** Whether another client gets the same session meanwhile; asked only with `pooler: 'session'`. */
  readonly isShared: boolean;
  readonly checksConnections: boolean;
}

/** Everything that the checks look at, gathered once. */
export interface Gathered {
  readonly settings: BootSettings;
  /** `undefined` when the caller does not say. */
  readonly replicas: number | undefined;
  /** How old a transaction or an idle lock is when it is reported, in ms. */
  readonly longMs: number;
  readonly packages: readonly PackageVersions[];
  readonly link: Link | BootError;
  /** The way of `pool`, when it is another one than that of the migrations. */
  readonly poolLink: Link | BootError | undefined;
  readonly poolSizes: { readonly pool: number; readonly migrationPool: number | undefined };
  readonly plugins: FoundPlugins;
  readonly migrations: readonly PluginMigrations[];
  readonly survey: Answer<Survey>;
  readonly facts: Answer<ServerFacts>;
  readonly fleet: Answer<Fleet>;
  /** Of the folders and of the survey. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** How long to wait for a second connection, and for the answers on one connection, in ms. */
const patience = { second: 1_000, answers: 15_000 };

/** Looks at everything once. Changes nothing, and sends the same number of statements for any number of plugins. */
export async function gather(
  given: BootSettings,
  { replicas, longMs }: Pick<Gathered, 'replicas' | 'longMs'>,
): Promise<Gathered> {
  const settings = { ...given, connect: { wait: Math.min(given.connect.wait, connectWithinMs) } };
  const pools = openPools(settings.source, settings.migrationSource);
  const soon = <T>(use: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    within(patience.answers, settings.clock, use);
  try {
    const { pool, migrationPool } = pools;
    const link = await soon((signal) => lookAtLink(migrationPool, settings, signal));
    const isUp = !(link instanceof BootError);
    const plugins = await soon((signal) => findPlugins(settings, migrationPool, isUp, signal));
    const read = await readAllMigrations(plugins.sorted, settings);
    const known = { plugins, migrations: read.migrations, longMs };
    const { tenants, ...answers } = isUp
      ? await soon((signal) => askDatabase(migrationPool, settings, known, signal))
      : noAnswers('There is no connection.');
    const migrations = expandTenants(read.migrations, tenants);
    const survey = 'value' in answers.survey ? answers.survey.value : undefined;
    const isOnePool = pool === migrationPool;
    return {
      settings,
      replicas,
      longMs,
      packages: findPackageVersions(settings.discover?.root ?? process.cwd()),
      link,
      poolLink: isOnePool ? undefined : await soon((signal) => lookAtLink(pool, settings, signal)),
      poolSizes: {
        pool: pool.options.max,
        migrationPool: isOnePool ? undefined : migrationPool.options.max,
      },
      plugins,
      migrations,
      ...answers,
      problems: groupFindings(
        [...read.problems, ...tenants.problems, ...(survey?.problems ?? [])],
        migrations,
      ),
      warnings: groupFindings(
        survey?.plugins.flatMap(({ warnings }) => warnings) ?? [],
        migrations,
      ),
    };
  } finally {
    await endSoon(pools, settings.clock);
  }
}

/** Connects once, and measures. */
async function lookAtLink(
  pool: Pool,
  { clock, pooler }: BootSettings,
  answers: AbortSignal,
): Promise<Link | BootError> {
  const began = clock.elapsed();
  try {
    return await withClientOnce(pool, { clock, signal: answers }, async (client) => {
      const connectMs = clock.elapsed() - began;
      const roundTrips = await measure(3, clock)(client);
      const way = { connectMs, roundTrips, announcedPid: client.processID };
      return {
        ...way,
        isShared: pooler === 'session' && isPooled(way) && (await isShared(pool, way, clock)),
        checksConnections: await checksConnections(client),
      };
    });
  } catch (error) {
    const known = asBootError(error);
    if (known) return known;
    throw error;
  }
}

/** Makes a function that measures so many round trips. */
function measure(count: number, clock: Clock) {
  return async (client: PinnedClient): Promise<readonly RoundTrip[]> => {
    const roundTrips: RoundTrip[] = [];
    while (roundTrips.length < count) {
      roundTrips.push(await measureRoundTrip(client, () => clock.elapsed()));
    }
    return roundTrips;
  };
}

/** Whether the backend that answers is not the one that was announced. */
export function isPooled({
  announcedPid,
  roundTrips,
}: Pick<Link, 'announcedPid' | 'roundTrips'>): boolean {
  return announcedPid !== undefined && roundTrips.some((each) => each.backendPid !== announcedPid);
}

/** Looks whether a second client gets a session of the first, which a pooler that keeps sessions never gives away. */
async function isShared(
  pool: Pool,
  { roundTrips }: Pick<Link, 'roundTrips'>,
  clock: Clock,
): Promise<boolean> {
  const own = new Set(roundTrips.map(({ backendPid }) => backendPid));
  if (own.size > 1) return true;
  // A pool of one, or a pooler with one session, has no second client to give.
  return within(patience.second, clock, async (signal) => {
    const [second] = await withPinnedClient(pool, { signal, clock }, measure(1, clock));
    return second !== undefined && own.has(second.backendPid);
  }).catch(() => false);
}

type DatabaseAnswers = Pick<Gathered, 'survey' | 'facts' | 'fleet'> & {
  readonly tenants: FoundTenants;
};

async function askDatabase(
  pool: Pool,
  settings: BootSettings,
  { plugins, migrations: read, longMs }: Pick<Gathered, 'plugins' | 'migrations' | 'longMs'>,
  signal: AbortSignal,
): Promise<DatabaseAnswers> {
  const { clock, pooler, migrations: how } = settings;
  const { schemaPrefix } = how;
  const options = { settings: how, pooler, willApply: how.mode === 'apply' };
  const lookAt = async (client: PinnedClient): Promise<DatabaseAnswers> => {
    const tenants = await findTenants(
      { settings, clock },
      plugins.sorted,
      { plugins: plugins.known },
      client,
      signal,
    );
    const migrations = expandTenants(read, tenants);
    const question = {
      schemas: [...new Set(migrations.flatMap(listOwnSchemas))],
      knownSchemas: [
        ...plugins.known.flatMap((plugin) => listSchemas(plugin, settings)),
        ...migrations.flatMap((each) => [each.schema, ...each.previousSchemas]),
      ],
      schemaPrefix,
      longMs,
    };
    return {
      tenants,
      survey: await attempt(() => surveyDatabase(client, migrations, options)),
      facts: await attempt(() => readServerFacts(client, question)),
      fleet: await attempt(() => findFleet(client, schemaPrefix)),
    };
  };
  try {
    return await withClientOnce(pool, { clock, signal }, lookAt);
  } catch (error) {
    return noAnswers(readMessage(error));
  }
}

function noAnswers(because: string): DatabaseAnswers {
  const unknown = { because };
  return { survey: unknown, facts: unknown, fleet: unknown, tenants: noTenants };
}

/** The schemas of a plugin that it has now. */
export function listOwnSchemas({
  schema,
  historySchema,
  furtherSchemas,
}: PluginMigrations): readonly string[] {
  return [schema, historySchema, ...furtherSchemas];
}

/** Every schema that the plugin has, had, or keeps its history in. */
function listSchemas(
  { id, previousIds, schemas = [] }: Plugin,
  settings: BootSettings,
): readonly string[] {
  const { schema, historySchema } = findSchemas(id, settings);
  return [
    schema,
    historySchema,
    ...schemas,
    ...getPreviousSchemaNames(previousIds, settings.migrations.schemaPrefix),
  ];
}

async function attempt<T>(read: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { because: readMessage(error) };
  }
}
