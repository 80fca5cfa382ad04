import type { Pool } from 'pg';
import type { Boot } from '../../boot/boot.ts';
import { formatBootError } from '../../core/format-error.ts';
import { readMessage } from '../../core/foreign-value.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { ReplicaBootOptions } from '../replicas/replica.ts';
import {
  withServer,
  type DatabaseMaker,
  type FreshDatabase,
  type ServerSource,
} from '../stock/fresh-database.ts';
import { compareStructure, readStructure, type Structure } from '../stock/read-structure.ts';
import { readTables, type Table } from '../stock/read-tables.ts';
import { nameTables, type TableNames } from '../stock/table-names.ts';
import { describeWait, indent, lockAdvice, refusedAdvice, upgradeAdvice } from './words.ts';
import { generateRows, tryInsert, type RowMaker } from './generate-rows.ts';
import { findLosses, keepRows } from './kept-rows.ts';
import { watchLocks } from './lock-watch.ts';
import { keepWorking, touchTables } from './old-replica.ts';
import { withRelease, type Release } from './release.ts';

/** An upgrade to look at, with all its options. */
export interface UpgradePlan {
  readonly from: readonly Plugin[];
  readonly to: readonly Plugin[];
  readonly server: ServerSource | undefined;
  readonly boot: ReplicaBootOptions;
  readonly seed?: (old: Boot) => unknown;
  readonly rows: number;
  readonly work?: (old: Boot) => unknown;
  readonly check?: (next: Boot) => unknown;
  readonly mayChange: ReadonlySet<string>;
  /** Whether the old release is up while the new one boots, and has to work afterwards. */
  readonly beside: boolean;
  readonly lockWaitMs: number;
}

/** What an upgrade has shown. */
export interface UpgradeResult {
  /** For people, each with what to do; none when the upgrade is safe. */
  readonly problems: readonly string[];
  readonly notMade: ReadonlyMap<string, string>;
  readonly rewritten: readonly string[];
}

/** The old release on a database of its own, with data. */
interface Before {
  readonly plan: UpgradePlan;
  readonly database: FreshDatabase;
  readonly old: Release;
  readonly names: TableNames;
  readonly tables: readonly Table[];
  readonly makers: readonly RowMaker[];
}

/** Rolls the new release out over the old one, beside it, and looks at what that does. */
export async function runUpgrade(plan: UpgradePlan): Promise<UpgradeResult> {
  return withServer(plan.server, (maker) => rollOut(maker, plan));
}

async function rollOut(maker: DatabaseMaker, plan: UpgradePlan): Promise<UpgradeResult> {
  const installed = await installFresh(maker, plan);
  if ('problem' in installed) return onlyProblem(installed.problem);
  return maker.withDatabase((database) =>
    withRelease(database.url, plan.from, plan.boot, async (old) => {
      const { failed } = await start(old);
      if (failed !== undefined) {
        return onlyProblem(`the old release does not come up:\n${indent(failed)}`);
      }
      await plan.seed?.(old.boot);
      const names = nameTables(new Map([...installed.schemas, ...old.schemas]));
      const tables = (await readTables(database, names)).filter(
        ({ table }) => !histories.has(table),
      );
      const { makers, notMade } = await generateRows(database, tables, plan.rows);
      const before = { plan, database, old, names, tables, makers };
      const { problems, rewritten } = await upgradeOver(before, installed.structure);
      return { problems, notMade, rewritten };
    }),
  );
}

/** Tables that tools for migrations keep for themselves. */
const histories = new Set([
  '__drizzle_migrations',
  '__slipway_unfinished',
  'pgmigrations',
  'kysely_migration',
  'kysely_migration_lock',
]);

function onlyProblem(problem: string): UpgradeResult {
  return { problems: [problem], notMade: new Map(), rewritten: [] };
}

type Installed =
  | { readonly structure: Structure; readonly schemas: ReadonlyMap<string, string> }
  | { readonly problem: string };

/** Reads the structure that the new release has in a database of its own. */
async function installFresh(maker: DatabaseMaker, { to, boot }: UpgradePlan): Promise<Installed> {
  return maker.withDatabase((database) =>
    withRelease(database.url, to, boot, async (next): Promise<Installed> => {
      const { failed } = await start(next);
      if (failed !== undefined) {
        const text = 'the new release does not come up on a fresh database';
        return { problem: `${text}:\n${indent(failed)}` };
      }
      const structure = await readStructure(database, nameTables(next.schemas));
      return { structure, schemas: next.schemas };
    }),
  );
}

async function upgradeOver(
  before: Before,
  fresh: Structure,
): Promise<Pick<UpgradeResult, 'problems' | 'rewritten'>> {
  const { plan, database, names, tables, old } = before;
  const kept = await keepRows(database, tables);
  if (!plan.beside) await old.boot.stop('the new release takes its place');
  return withRelease(database.url, plan.to, plan.boot, async (next) => {
    const { failed, problems } = await (plan.beside ? startBeside(before, next) : start(next));
    if (failed !== undefined) {
      const text = `the new release does not come up on tables with rows:\n${indent(failed)}`;
      return { problems: [...problems, `${text}\n    → ${upgradeAdvice}`], rewritten: [] };
    }
    const now = await readTables(database, names);
    return {
      problems: [
        ...problems,
        ...(await findLosses(database, kept, now, plan)),
        ...(plan.beside ? await tryOld(before) : []),
        ...(await findDrift(database, names, fresh)),
        ...(await tryCheck(plan, next.boot)),
      ],
      rewritten: findRewritten(tables, now),
    };
  });
}

interface Started {
  /** The error of a release that does not come up. */
  readonly failed: string | undefined;
  readonly problems: readonly string[];
}

async function start(next: Release): Promise<Started> {
  try {
    await next.start();
    return { failed: undefined, problems: [] };
  } catch (error) {
    return { failed: formatBootError(error), problems: [] };
  }
}

/** Starts the new release while the old one works. */
async function startBeside(before: Before, next: Release): Promise<Started> {
  const { plan, database, old, names, tables, makers } = before;
  const sessions = { old: old.sessions, next: next.sessions };
  const watch = watchLocks(database, names, sessions, plan.lockWaitMs);
  const work = keepWorking(async () => {
    await touchTables(askBy(old.pool), tables, makers);
    await plan.work?.(old.boot);
  });
  const { failed } = await start(next);
  const [waits, failure] = await Promise.all([watch.end(), work.end()]);
  const problems = waits.map((wait) => `${describeWait(wait)}\n    → ${lockAdvice}`);
  if (failure !== undefined) problems.push(describeWork(failure));
  return { failed, problems };
}

function describeWork(failure: string): string {
  return `work of the old release fails beside the new one: ${failure}\n    → ${refusedAdvice}`;
}

/** Uses the old release after the upgrade: its way to write rows, and one more replica of it, as in a rollback. */
async function tryOld({ plan, database, old, makers }: Before): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const maker of makers) {
    const refused = await tryInsert(askBy(old.pool), maker);
    // What is gone or renamed has been reported, or may change.
    if (!refused || refused.code === undefinedTable || refused.code === undefinedColumn) continue;
    problems.push(
      `a row as the old release writes it is refused by ${maker.table.name}: ${refused.message}\n    → ${refusedAdvice}`,
    );
  }
  const { failed } = await withRelease(database.url, plan.from, plan.boot, start);
  if (failed !== undefined) {
    problems.push(
      `another replica of the old release does not come up after the upgrade, as after a rollback:\n${indent(failed)}\n    → ${refusedAdvice}`,
    );
  }
  return problems;
}

const undefinedTable = '42P01';
const undefinedColumn = '42703';

async function findDrift(
  database: FreshDatabase,
  names: TableNames,
  fresh: Structure,
): Promise<readonly string[]> {
  const differences = compareStructure(await readStructure(database, names), fresh, {
    here: 'after the upgrade',
    there: 'in a fresh install',
  });
  if (differences.length === 0) return [];
  const advice =
    'Migrations have to lead to the same from anywhere: do not edit or remove a file that is applied, add one that follows.';
  return [`${differences.join('\n  ')}\n    → ${advice}`];
}

async function tryCheck({ check }: UpgradePlan, next: Boot): Promise<readonly string[]> {
  try {
    await check?.(next);
    return [];
  } catch (error) {
    return [`check of the new release fails: ${readMessage(error)}`];
  }
}

function findRewritten(before: readonly Table[], now: readonly Table[]): readonly string[] {
  return before
    .filter(({ oid, file }) => now.some((table) => table.oid === oid && table.file !== file))
    .map(({ name }) => name);
}

function askBy(pool: Pool): Pick<FreshDatabase, 'ask'> {
  return {
    ask: async <Row extends object>(sql: string, values?: unknown[]) =>
      (await pool.query<Row>(sql, values)).rows,
  };
}
