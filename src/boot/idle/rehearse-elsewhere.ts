import { roundMs } from '../../core/duration.ts';
import { BootError } from '../../core/errors.ts';
import { listNames } from '../../core/printable.ts';
import { lastRow, openPool, type DatabaseSource } from '../../postgres/connection/connection.ts';
import type { PinnedClient } from '../../postgres/connection/pinned-client.ts';
import { copyDatabase, dropCopy, onDatabase } from '../../postgres/rehearse/database-copy.ts';
import { rehearseKept } from '../../postgres/rehearse/rehearse-kept.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { surveyPlugins } from '../migrate-all/survey-plugins.ts';
import type { BootSettings } from '../options/boot-settings.ts';
import { listUnits, nameTenant, type Rehearsal } from './rehearse.ts';
import { withClientOnce } from './with-client-once.ts';
import { endSoon, withPlugins, type IdlePlugins } from './with-plugins.ts';

/**
 * Applies the pending files to another database, and keeps them.
 *
 * @throws BootError `REHEARSAL_REFUSED` when it is the database of the boot itself
 */
export async function rehearseAgainst(
  settings: BootSettings,
  against: DatabaseSource,
  stop: AbortSignal,
): Promise<Rehearsal> {
  const own = await askOn(settings, settings.migrationSource, stop, identify);
  const other = await askOn(settings, against, stop, identify);
  if (own === other) {
    const message = 'The database to rehearse against is the database of the boot itself';
    const hint =
      'Everything is kept there. Name a copy, or leave it out: without it, everything is rolled back.';
    throw new BootError('REHEARSAL_REFUSED', message, { hint });
  }
  return applyTo(settings, against, 'other', stop);
}

/** Copies the database, applies the pending files to the copy, and drops it, whatever happens. */
export async function rehearseOnCopy(
  settings: BootSettings,
  stop: AbortSignal,
): Promise<Rehearsal> {
  const source = settings.migrationSource;
  const copy = await askOn(settings, source, stop, (client) =>
    copyDatabase(client, settings.migrations),
  );
  const left = [...copy.left];
  let rehearsal: Rehearsal | undefined;
  try {
    rehearsal = await applyTo(settings, onDatabase(source, copy.name), 'copy', stop);
  } finally {
    const { signal } = new AbortController();
    await askOn(settings, source, signal, (client) => dropCopy(client, copy.name)).catch(
      (error: unknown) => {
        left.push(copy.name);
        settings.ownLogger.warn(
          { err: error, database: copy.name },
          'the copy of a rehearsal was not dropped',
        );
      },
    );
  }
  return { ...rehearsal, ...(left.length > 0 && { left }) };
}

async function applyTo(
  given: BootSettings,
  source: DatabaseSource,
  on: 'copy' | 'other',
  stop: AbortSignal,
): Promise<Rehearsal> {
  const settings = { ...given, source, migrationSource: source };
  const { clock } = settings;
  const startedAt = clock.elapsed();
  const ignore = (): void => undefined;
  const rehearse = async ({ around, graph, owners }: IdlePlugins): Promise<Rehearsal> => {
    const surveyed = await surveyPlugins(around, graph.plugins, owners, stop);
    const { survey, problems } = surveyed;
    const end = (rest: Pick<Rehearsal, 'plugins' | 'because'>): Rehearsal => ({
      on,
      durationMs: roundMs(clock.elapsed() - startedAt),
      ...rest,
    });
    if (problems.length > 0) {
      const because = `the migrations do not fit this database: ${listNames(
        problems.map(({ message }) => message),
        '; ',
      )}`;
      return end({ because, plugins: [] });
    }
    if (!survey) return end({ plugins: [] });
    const plugins = await rehearseKept(listUnits(graph, surveyed), {
      settings: settings.migrations,
      keepsSession: survey.keepsSession,
      pooler: survey.pooler,
      clock,
      signal: stop,
      pool: createPatientPool(around, { phase: 'migrateAll', signal: stop }),
    });
    return end({ plugins: plugins.map(nameTenant) });
  };
  return withPlugins(settings, ignore, rehearse, stop);
}

/** Asks a database on a connection of its own, which is closed afterwards. */
async function askOn<T>(
  { clock }: BootSettings,
  source: DatabaseSource,
  signal: AbortSignal,
  ask: (client: PinnedClient) => Promise<T>,
): Promise<T> {
  const open = openPool(source);
  try {
    return await withClientOnce(open.pool, { clock, signal }, ask);
  } finally {
    await endSoon(open, clock);
  }
}

/** Two databases have the same number on one server only when they are the same; servers begin at different times. */
async function identify(client: PinnedClient): Promise<string | undefined> {
  const found = await client.query<{ identity: string }>(
    `select concat_ws(' ', extract(epoch from pg_postmaster_start_time()), oid) as identity from pg_database where datname = current_database()`,
  );
  return lastRow(found)?.identity;
}
