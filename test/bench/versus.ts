import { Pool } from 'pg';
import type { Plugin } from 'slipway';
import { bootIn, withDatabase } from './fresh-database.ts';
import { tablesOf } from './generated-plugins.ts';
import { measureInTurn, type Rounds, type Run, type Sample } from './measure.ts';
import { bootInTwoPasses, bootWithSlipway, type Rival } from './rivals.ts';
import { laySlowLink } from './slow-link.ts';

/** One kind of boot over one kind of line, both ways. */
export interface VersusResult {
  readonly boot: 'no-op' | 'fresh';
  readonly line: 'direct' | 'slow link';
  /** What `select 1` takes over this line. */
  readonly roundTripMs: number;
  readonly slipway: Sample;
  readonly twoPass: Sample;
  /** How many times as long the two-pass way takes. */
  readonly ratio: number;
}

export interface VersusOptions {
  readonly plugins: readonly Plugin[];
  /** Connection string of a user who may create databases. */
  readonly adminUrl: string;
}

/** What the slow link adds to every round trip, in ms. */
const addedMs = 1;

/** Boots the same plugins both ways in turn: straight to the server, then over a slow link. */
export async function measureVersus(
  boot: VersusResult['boot'],
  options: VersusOptions,
  rounds: Rounds,
): Promise<readonly VersusResult[]> {
  const measure = async (line: VersusResult['line'], lineUrl: string): Promise<VersusResult> => {
    const bootOver = boot === 'no-op' ? bootNoOp : bootFresh;
    const { slipway, twoPass } = await bootOver(lineUrl, options, rounds);
    const ratio = twoPass.medianMs / slipway.medianMs;
    return { boot, line, roundTripMs: await measureRoundTrip(lineUrl), slipway, twoPass, ratio };
  };
  const link = await laySlowLink(options.adminUrl, addedMs);
  try {
    return [await measure('direct', options.adminUrl), await measure('slow link', link.url)];
  } finally {
    await link.close();
  }
}

type BootBoth = (
  lineUrl: string,
  options: VersusOptions,
  rounds: Rounds,
) => Promise<Readonly<Record<'slipway' | 'twoPass', Sample>>>;

/** All in one database that Drizzle's own migrator has migrated: both sides read the same history. */
const bootNoOp: BootBoth = (lineUrl, { adminUrl, plugins }, rounds) =>
  withDatabase(adminUrl, async (database) => {
    const boot = (rival: Rival): Promise<number> =>
      bootIn(database, rival, plugins, { lineUrl, tables: tablesOf(plugins) });
    await boot(bootInTwoPasses);
    return measureInTurn(
      { slipway: () => boot(bootWithSlipway), twoPass: () => boot(bootInTwoPasses) },
      rounds,
    );
  });

/** Each boot in an empty database of its own. */
const bootFresh: BootBoth = (lineUrl, { adminUrl, plugins }, rounds) => {
  const bootAnew = (rival: Rival): Promise<number> =>
    withDatabase(adminUrl, (database) =>
      bootIn(database, rival, plugins, { lineUrl, tables: tablesOf(plugins) }),
    );
  return measureInTurn(
    { slipway: () => bootAnew(bootWithSlipway), twoPass: () => bootAnew(bootInTwoPasses) },
    rounds,
  );
};

export async function measureRoundTrip(lineUrl: string): Promise<number> {
  const pool = new Pool({ connectionString: lineUrl, max: 1 });
  const ask: Run = async () => {
    const askedAt = performance.now();
    await pool.query('select 1');
    return performance.now() - askedAt;
  };
  try {
    const { answer } = await measureInTurn({ answer: ask }, { rounds: 100, warmUps: 10 });
    return answer.medianMs;
  } finally {
    await pool.end();
  }
}
