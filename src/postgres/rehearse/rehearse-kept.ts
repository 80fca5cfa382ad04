import type { Clock } from '../../core/clock.ts';
import { describeHolder } from '../../core/describe-session.ts';
import type { UnstampedEvent } from '../../core/events.ts';
import { asBootError } from '../../core/errors.ts';
import { toErrorRecord } from '../../core/error-record.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { PatientPool } from '../connection/connect-with-patience.ts';
import { withPinnedClient } from '../connection/pinned-client.ts';
import type { Question } from '../connection/question.ts';
import { migratePlugin } from '../migrate/migrator.ts';
import { addFacts, FileMeter, type FileFacts } from './file-meter.ts';
import { readRelations } from './known-relations.ts';
import type { RehearsalUnit } from './rehearse-plugin.ts';
import { findBroken } from './rehearse-together.ts';
import { notReached, sumUp, type RehearsedFile, type RehearsedPlugin } from './rehearsed-plugin.ts';

/** How a rehearsal runs whose changes are kept. */
export interface KeptOptions {
  readonly settings: MigrationSettings;
  readonly keepsSession: boolean;
  readonly pooler: boolean;
  readonly clock: Clock;
  /** Aborted: the file that runs is rolled back. */
  readonly signal: AbortSignal;
  readonly pool: PatientPool;
}

/** PostgreSQL counts rows over several transactions, up to the next moment at which it passes its counts on. Since PostgreSQL 15. */
const forgetCounts: Question = {
  text: `do $$ begin
    if to_regproc('pg_catalog.pg_stat_force_next_flush') is not null then execute 'select pg_stat_force_next_flush()'; end if;
  end $$`,
  isRepeated: true,
};

/**
 * Migrates plugins one after the other, as a boot does, and measures each file in its own transaction. Commands that run alone
 * have a time, and no locks: these end with the command.
 *
 * @throws BootError `DATABASE_UNREACHABLE`; the reason of the signal when that is aborted
 */
export async function rehearseKept(
  units: readonly RehearsalUnit[],
  options: KeptOptions,
): Promise<readonly RehearsedPlugin[]> {
  const done: RehearsedPlugin[] = [];
  for (const unit of units) {
    done.push(findBroken(unit, done) ?? (await keepPlugin(unit, options)));
    options.signal.throwIfAborted();
  }
  return done;
}

async function keepPlugin(
  { plugin, pending }: RehearsalUnit,
  options: KeptOptions,
): Promise<RehearsedPlugin> {
  const { id } = plugin;
  const { clock, signal, pool, settings, keepsSession, pooler } = options;
  const pin = { clock, signal, mayRepeat: () => true };
  const meter = new FileMeter(await withPinnedClient(pool, pin, readRelations));
  const facts = new Map<string, FileFacts>();
  const files: RehearsedFile[] = [];
  const emit = (event: UnstampedEvent): void => {
    if (event.type !== 'plugin.migrate.applied') return;
    const { file, durationMs } = event;
    files.push({ file, outcome: 'done', durationMs, ...facts.get(file) });
  };
  const rest = (begun = 0): readonly RehearsedFile[] =>
    notReached(pending.slice(files.length + begun));
  try {
    const result = await migratePlugin(pool, plugin, {
      settings,
      clock,
      keepsSession,
      isDirect: !pooler,
      emit,
      signal,
      windDown: signal,
      onLock: () => undefined,
      inFile: (_, work) => work(),
      measure: ({ name }) => {
        meter.restart();
        return [
          forgetCounts,
          meter.ask((found) => facts.set(name, addFacts(facts.get(name), found))),
        ];
      },
    });
    signal.throwIfAborted();
    if (result.status !== 'locked') return { id, outcome: sumUp(files), files };
    const because = `its migration lock is held by ${describeHolder(result.holder)}`;
    return { id, outcome: 'locked', because, files: [...files, ...rest()] };
  } catch (error) {
    signal.throwIfAborted();
    const failure = asBootError(error);
    if (!failure) throw error;
    const record = toErrorRecord(failure);
    const file = failure.position?.file;
    if (file === undefined) {
      return { id, outcome: 'failed', error: record, files: [...files, ...rest()] };
    }
    const failed: RehearsedFile = { file, outcome: 'failed', error: record };
    return { id, outcome: 'failed', files: [...files, failed, ...rest(1)] };
  }
}
