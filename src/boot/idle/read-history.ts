import { group, integer } from '../../core/expect.ts';
import type { BootOutcome } from '../../core/steps.ts';
import { readBootRows } from '../../postgres/boot-table.ts';
import type { DatabaseSource } from '../../postgres/connection/connection.ts';
import { askOnce } from './with-client-once.ts';

/** A boot in the history. */
export interface KeptBoot {
  readonly bootId: string;
  /** Wall-clock time, in ms since 1970. */
  readonly startedAt: number;
  /** From the start until it was ready, in ms. */
  readonly durationMs: number;
  readonly outcome: BootOutcome;
  /** The name of the machine or the pod. */
  readonly host: string;
  /** The option `hostApp`. */
  readonly app?: { readonly name: string; readonly version?: string };
  /** Its recording without single statements, for `readStory()`. */
  readonly lines: readonly string[];
}

/** The options of {@link readHistory}. */
export interface HistoryOptions {
  /**
   * How many boots to read, the latest ones.
   *
   * @default 20
   */
  readonly last?: number;
}

const check = group({ last: [integer(1, 100), 20] });

/**
 * Reads the last boots of a database whose option `history` was set, the latest one first. Of each one all questions can be
 * asked that a recording answers, except those about single statements.
 *
 * @param pool As in `createBoot()`: a `pg.Pool`, a connection string or a config.
 * @throws BootError `OPTIONS_INVALID` or `DATABASE_UNREACHABLE`
 * @example
 * const [today, before] = await readHistory('postgres://localhost/shop', { last: 2 });
 * if (today && before) console.log(diff(await readStory(before.lines), await readStory(today.lines)));
 */
export async function readHistory(
  pool: DatabaseSource,
  options: HistoryOptions = {},
): Promise<readonly KeptBoot[]> {
  const { last } = check(options, 'readHistory');
  const rows = await askOnce(pool, (client) => readBootRows(client, last));
  return rows.map(({ app, appVersion, outcome, recording, ...row }) => ({
    ...row,
    outcome: outcome as BootOutcome,
    ...(app !== null && {
      app: { name: app, ...(appVersion !== null && { version: appVersion }) },
    }),
    lines: recording.split('\n'),
  }));
}
