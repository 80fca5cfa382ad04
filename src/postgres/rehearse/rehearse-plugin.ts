import type { Clock } from '../../core/clock.ts';
import { describeHolder } from '../../core/describe-session.ts';
import { asBootError } from '../../core/errors.ts';
import { toErrorRecord } from '../../core/error-record.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { LockHolder } from '../../core/waits.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import type { PinnedClient } from '../connection/pinned-client.ts';
import { nameSession } from '../connection/session-settings.ts';
import { tryLock } from '../locks/advisory-lock.ts';
import { explainFailure } from '../migrate/migration-error.ts';
import { passingReason } from '../migrate/migration-retry.ts';
import { readUnderLock, type HeldMigrationLock } from '../migrate/migration-lock.ts';
import { startProgress, type Migrating } from '../migrate/migrating.ts';
import { planUnderLock } from '../migrate/migrator.ts';
import { prepareRename } from '../migrate/schema-rename.ts';
import { hashLongForms } from '../sources/migration-identity.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { historyFactsSql } from '../survey/read-history.ts';
import { KnownExtensions } from '../survey/known-extensions.ts';
import { attemptFile } from './attempt-file.ts';
import type { FileMeter } from './file-meter.ts';
import {
  isBroken,
  notReached,
  sumUp,
  type RehearsedFile,
  type RehearsedPlugin,
} from './rehearsed-plugin.ts';

/** A plugin that has something to do. */
export interface RehearsalUnit {
  readonly plugin: PluginMigrations;
  /** The names of its pending files, as the survey has found them. */
  readonly pending: readonly string[];
  /** The ids of the units that come first, because it depends on them. */
  readonly needs: ReadonlySet<string>;
}

/** How a rehearsal runs that is rolled back. */
export interface RehearsalOptions {
  /** Those of a boot, with the rehearsal's own wait for a lock. */
  readonly settings: MigrationSettings;
  /** How long each transaction may be open, in ms. */
  readonly withinMs: number;
  /** Whether functions run, too. */
  readonly functions: boolean;
  readonly keepsSession: boolean;
  readonly clock: Clock;
  /** Aborted: everything is rolled back. */
  readonly signal: AbortSignal;
  readonly pool: PatientPool;
}

/** What the plugins of one transaction have in common. */
export interface RehearsalContext extends RehearsalOptions {
  readonly client: PinnedClient;
  readonly meter: FileMeter;
  /** Aborted when the time is up. */
  readonly late: AbortSignal;
}

/**
 * Rehearses the pending files of one plugin in the open transaction, under its migration lock, one after the other up to the
 * first that does not run to its end.
 *
 * @param before The plugins that were rehearsed in the same transaction.
 */
export async function rehearsePlugin(
  { plugin, pending, needs }: RehearsalUnit,
  before: readonly RehearsedPlugin[],
  context: RehearsalContext,
): Promise<RehearsedPlugin> {
  const { id } = plugin;
  const { client, late } = context;
  const run = startRun(plugin, context);
  const stopped = { id, files: notReached(pending) };
  if (late.aborted) return { ...stopped, outcome: 'notReached', because: 'the time was up' };
  try {
    const held = await takeLock(run);
    if (!held.acquired) {
      const because = `its migration lock is held by ${describeHolder(held.holder)}`;
      return { ...stopped, outcome: 'locked', because };
    }
    await hashLongForms(plugin.files, held.rows, plugin.schema);
    planUnderLock(run, held);
    // The first plugin of a transaction finds nothing made in it.
    const strays = before.length === 0 ? new Set<string>() : undefined;
    const files = await rehearseFiles(run, held, strays, listLeftOut(before, needs), context);
    return { id, outcome: sumUp(files), files };
  } catch (error) {
    context.signal.throwIfAborted();
    if (client.lost) throw error;
    if (late.aborted) return { ...stopped, outcome: 'late', because: 'the time was up' };
    await client.finish('rollback to savepoint slipway_plugin');
    const failure = asBootError(error) ?? explainFailure(run, error);
    // A boot tries again.
    const outcome = passingReason(error) === undefined ? 'failed' : 'locked';
    return { ...stopped, outcome, error: toErrorRecord(failure) };
  }
}

function startRun(plugin: PluginMigrations, context: RehearsalContext): Migrating {
  const { settings, clock, keepsSession, client, late } = context;
  const signal = AbortSignal.any([context.signal, late]);
  return {
    settings,
    clock,
    keepsSession,
    isDirect: false,
    emit: ignore,
    onLock: ignore,
    inFile: (_, work) => work(),
    signal,
    windDown: late,
    // A function that goes on after that is left to itself: it must not hold the locks.
    cut: signal,
    client,
    plugin,
    extensions: new KnownExtensions(plugin, settings),
    progress: startProgress(),
  };
}

const ignore = (): void => undefined;

/** Takes the lock until the transaction ends, and never waits. Renames an earlier schema first, as a boot does. */
async function takeLock(
  run: Migrating,
): Promise<HeldMigrationLock | { readonly acquired: false; readonly holder: LockHolder }> {
  const { client, plugin, extensions } = run;
  await client.query(
    `savepoint slipway_plugin; select set_config('application_name', ${quoteLiteral(nameSession(plugin.id))}, true)`,
  );
  if (plugin.previousSchemas.length > 0) {
    const rename = await prepareRename(client, plugin);
    if (rename.status === 'locked') return { acquired: false, holder: rename.holder };
    if (rename.status === 'ready') await client.query(rename.sql);
  }
  const questions = [historyFactsSql(plugin, extensions.factsSql())];
  const attempt = await tryLock(client, plugin.schema, { scope: 'transaction', questions });
  if (!attempt.acquired) return attempt;
  const { backendPid, answer } = attempt;
  return readUnderLock(run, backendPid, answer, { begin: [], guard: [] });
}

async function rehearseFiles(
  run: Migrating,
  held: HeldMigrationLock,
  strays: Set<string> | undefined,
  leftOutBefore: readonly string[],
  context: RehearsalContext,
): Promise<readonly RehearsedFile[]> {
  const plan = planUnderLock(run, held);
  run.progress.pending = plan.pending;
  const before = { meter: context.meter, strays };
  const leftOut = [...leftOutBefore];
  const files: RehearsedFile[] = [];
  for (const [at, file] of plan.pending.entries()) {
    const squash = plan.squashes.find((each) => each.file === file);
    const rehearsed = squash
      ? ({
          file: file.name,
          outcome: 'done',
          because: 'it is not run: it replaces others',
        } as const)
      : await attemptFile({ run, held, file, before, leftOut }, context);
    files.push(rehearsed);
    if (rehearsed.outcome === 'leftOut') leftOut.push(file.name);
    if (!isBroken(rehearsed.outcome)) continue;
    const others = plan.pending.slice(at + 1).map(({ name }) => name);
    return [...files, ...notReached(others)];
  }
  // Without a file, only the schemas are made.
  if (plan.pending.length === 0 && held.missing.length > 0) {
    await run.client.query(held.missing.join('; '));
  }
  return files;
}

/** The files of earlier plugins that were left out, and that this one may build on. */
function listLeftOut(
  before: readonly RehearsedPlugin[],
  needs: ReadonlySet<string>,
): readonly string[] {
  return before
    .filter(({ id }) => needs.has(id))
    .flatMap(({ id, files }) =>
      files.filter(({ outcome }) => outcome === 'leftOut').map(({ file }) => `${file} of ${id}`),
    );
}
