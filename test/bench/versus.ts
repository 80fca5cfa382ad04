import type { Plugin } from 'slipway';
import { TestDatabase } from '../support/test-database.ts';
import { tablesPerPlugin } from './generated-plugins.ts';
import { measureInTurn, type Run, type Sample } from './measure.ts';
import { bootInTwoPasses, bootWithSlipway, type Rival } from './rivals.ts';
import { laySlowLink } from './slow-link.ts';

/** One kind of boot on one kind of line, both ways. */
export interface VersusResult {
  readonly boot: 'no-op' | 'fresh';
  readonly line: 'direct' | 'slow link';
  /** What `select 1` takes on this line. */
  readonly roundTripMs: number;
  readonly slipway: Sample;
  readonly twoPass: Sample;
  /** How many times as long the two-pass way takes. */
  readonly ratio: number;
}

export interface VersusOptions {
  readonly boot: VersusResult['boot'];
  readonly plugins: readonly Plugin[];
  /** Connection string of a user who may create databases. */
  readonly adminUrl: string;
  /** What the slow link adds to a round trip, in ms. */
  readonly addedMs: number;
  readonly rounds: number;
  readonly warmUps: number;
}

const rivals = { slipway: bootWithSlipway, twoPass: bootInTwoPasses } as const;

/** Boots the same plugins both ways in turn, first on the server's own address, then over a slow link. */
export async function measureVersus(options: VersusOptions): Promise<readonly VersusResult[]> {
  const { adminUrl, addedMs } = options;
  const link = await laySlowLink(adminUrl, addedMs);
  try {
    return [
      await measureOn('direct', adminUrl, options),
      await measureOn('slow link', link.url, options),
    ];
  } finally {
    await link.close();
  }
}

async function measureOn(
  line: VersusResult['line'],
  lineUrl: string,
  options: VersusOptions,
): Promise<VersusResult> {
  const { boot } = options;
  const measure = boot === 'no-op' ? measureNoOp : measureFresh;
  const { slipway, twoPass } = await measure(lineUrl, options);
  const ratio = twoPass.medianMs / slipway.medianMs;
  return { boot, line, roundTripMs: await measureRoundTrip(lineUrl), slipway, twoPass, ratio };
}

type Samples = Readonly<Record<keyof typeof rivals, Sample>>;

/** All in one database, migrated before by Drizzle's own migrator: each side finds the other's history in order. */
async function measureNoOp(lineUrl: string, options: VersusOptions): Promise<Samples> {
  const { adminUrl, plugins } = options;
  return withDatabase(adminUrl, async (database) => {
    await bootOn(database, adminUrl, bootInTwoPasses, plugins);
    const run =
      (rival: Rival): Run =>
      () =>
        bootOn(database, lineUrl, rival, plugins);
    return measureInTurn({ slipway: run(rivals.slipway), twoPass: run(rivals.twoPass) }, options);
  });
}

async function measureFresh(lineUrl: string, options: VersusOptions): Promise<Samples> {
  const { adminUrl, plugins } = options;
  const run =
    (rival: Rival): Run =>
    () =>
      withDatabase(adminUrl, (database) => bootOn(database, lineUrl, rival, plugins));
  return measureInTurn({ slipway: run(rivals.slipway), twoPass: run(rivals.twoPass) }, options);
}

/** Boots with a pool that has no connection yet, as a process that starts has, and checks that the work was done. */
async function bootOn(
  database: TestDatabase,
  lineUrl: string,
  rival: Rival,
  plugins: readonly Plugin[],
): Promise<number> {
  const url = new URL(lineUrl);
  url.pathname = `/${database.name}`;
  const ms = await rival(database.pool({ connectionString: url.href }), plugins);
  await database.expectNoLeak();
  await expectMigrated(database, plugins);
  return ms;
}

async function expectMigrated(database: TestDatabase, plugins: readonly Plugin[]): Promise<void> {
  const { rows } = await database.query<{ count: number }>(
    "select count(*)::int from pg_tables where schemaname like 'plugin\\_%'",
  );
  const expected = plugins.length * (tablesPerPlugin + 1);
  if (rows[0]?.count === expected) return;
  throw new Error(`Expected ${expected} tables after the boot, found ${rows[0]?.count}`);
}

async function measureRoundTrip(lineUrl: string): Promise<number> {
  const database = new TestDatabase(lineUrl);
  const pool = database.pool({ connectionString: lineUrl, max: 1 });
  try {
    const run: Run = async () => {
      const startedAt = performance.now();
      await pool.query('select 1');
      return performance.now() - startedAt;
    };
    const { answer } = await measureInTurn({ answer: run }, { rounds: 100, warmUps: 10 });
    return answer.medianMs;
  } finally {
    await pool.end();
  }
}

async function withDatabase<Result>(
  adminUrl: string,
  use: (database: TestDatabase) => Promise<Result>,
): Promise<Result> {
  const database = new TestDatabase(adminUrl);
  await database.create();
  try {
    return await use(database);
  } finally {
    await database.drop();
  }
}
