import type { Pool } from 'pg';
import { gracefulShutdown } from 'slipway';
import type { BootReport, PluginReport } from 'slipway';
import { createShop } from '../shop.ts';
import type { Stage } from '../stage.ts';
import { startBusyWorkers } from './busy-workers.ts';
import type { WorkDone, WorkedTable } from './busy-workers.ts';
import { findMisplaced, readPlacedObjects } from './placed-objects.ts';
import type { PlacedObjects } from './placed-objects.ts';
import { installPrevious } from './previous-version.ts';

/** Twice as many as the pool has connections: some worker always waits for one. */
const workerCount = 20;

/**
 * Installs the previous version of the shop, boots this one on it while workers keep the pool busy, and says how that
 * went. Sets exit code 1 when a worker failed or an object is not in its plugin's schema.
 *
 * @throws BootError when one of the versions cannot boot.
 */
export async function showUpgrade({ pool, logger, write, show }: Stage): Promise<void> {
  const installed = await installPrevious(pool);
  write(`\n  The previous version is installed: ${countFiles(installed)} migrations.\n`);

  const { boot } = createShop({ pool, logger });
  show(boot);
  gracefulShutdown(boot);
  const workers = startBusyWorkers(pool, await readTables(pool), workerCount);
  let report: BootReport;
  let work: WorkDone;
  try {
    report = await boot.start();
  } finally {
    work = await workers.stop();
    await boot.stop('the upgrade is shown');
  }
  const placed = await readPlacedObjects(pool);
  const misplaced = await findMisplaced(placed);
  write(renderResult({ report, work, placed, misplaced }));
  const isGood = report.outcome === 'ready' && work.failures.length === 0 && misplaced.length === 0;
  if (!isGood) process.exitCode = 1;
}

/** What there is to read before the upgrade, and goes on being read. */
async function readTables(pool: Pool): Promise<readonly WorkedTable[]> {
  const { rows } = await pool.query<WorkedTable>(`
    SELECT schemaname AS schema, tablename AS table FROM pg_tables
    WHERE schemaname ~ '^plugin_' AND tablename !~ '^__drizzle_migrations'
    ORDER BY 1, 2`);
  return rows;
}

interface Result {
  readonly report: BootReport;
  readonly work: WorkDone;
  readonly placed: readonly PlacedObjects[];
  readonly misplaced: readonly string[];
}

function renderResult({ report, work, placed, misplaced }: Result): string {
  const { queries, failures } = work;
  return `
  The upgrade applied ${countFiles(report)} migrations:

${report.plugins.map(renderApplied).join('')}
  Where everything is now:

  ${'schema'.padEnd(22)} ${['tables', 'types', 'indexes', 'sequences'].join('  ')}
${placed.map(renderPlaced).join('')}
  ${workerCount} workers sent ${queries} queries meanwhile: ${failures.length} failures
${failures.slice(0, 5).map(indented).join('')}  ${
    misplaced.length === 0
      ? 'Every object is in the schema of its plugin; in public is only what the host put there'
      : `${misplaced.length} objects are not where they belong:`
  }
${misplaced.slice(0, 20).map(indented).join('')}`;
}

function renderApplied({ id, applied }: PluginReport): string {
  return `  ${id.padEnd(14)} ${applied.join(', ')}\n`;
}

function renderPlaced({ schema, tables, types, indexes, sequences }: PlacedObjects): string {
  const cells = [
    String(tables).padStart(6),
    String(types).padStart(7),
    String(indexes).padStart(9),
    String(sequences).padStart(11),
  ];
  return `  ${schema.padEnd(22)}${cells.join('')}\n`;
}

function indented(text: string): string {
  return `    ${text}\n`;
}

function countFiles({ plugins }: BootReport): number {
  return plugins.reduce((total, { applied }) => total + applied.length, 0);
}
