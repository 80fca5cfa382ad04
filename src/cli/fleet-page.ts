import type { FleetFinding, FleetPlan, FleetReport } from '../index.ts';
import { formatDuration } from '../insight.ts';
import { count, type Page } from './page.ts';

/** The most names of databases in a line: a fleet may have thousands. The document has all. */
const mostNames = 8;
/** The most kinds and groups on a page. */
const mostRows = 30;

/** Describes what a run has done to a fleet. */
export function describeReport(page: Page, report: FleetReport): void {
  const { counts, databases, durationMs } = report;
  page.table(
    [
      { title: 'databases' },
      { title: 'count', align: 'right' },
      { title: 'names', isElastic: true, isCutAtEnd: true, tone: 'soft' },
    ],
    (
      [
        ['migrated', 'done'],
        ['up to date', 'upToDate'],
        ['failed', 'failed'],
        ['canceled', 'canceled'],
        ['not begun', 'notReached'],
      ] as const
    ).flatMap(([title, outcome]) => {
      const names = databases.filter((each) => each.outcome === outcome).map(({ name }) => name);
      return names.length === 0 ? [] : [[title, String(counts[outcome]), listNames(names)]];
    }),
  );
  describeFindings(page, 'kind of failure', 'kinds of failure', report.failures);
  page.line(`${summarizeReport(report)} It took ${formatDuration(durationMs)}.`);
}

/** One sentence: how a run over a fleet has ended. */
export function summarizeReport(report: FleetReport): string {
  const { outcome, counts } = report;
  const all = countDatabases(report);
  const left = counts.notReached + counts.canceled;
  const again =
    left > 0 ? ` ${left} ${left === 1 ? 'is' : 'are'} left: run it again to go on.` : '';
  if (outcome === 'failed') return `${counts.failed} of ${all} failed.${again}`;
  if (outcome === 'canceled') return `The run over ${all} was stopped.${again}`;
  if (counts.done === 0) return `Nothing to migrate in ${all}.`;
  return `Migrated ${counts.done} of ${all}; the others were up to date.`;
}

/** Describes what a run would do to a fleet. */
export function describePlan(page: Page, plan: FleetPlan): void {
  const { behind, failures, warnings } = plan;
  for (const { databases, pending } of behind.slice(0, mostRows)) {
    page.title(`${count(databases.length, 'database')} would get ${count(pending.length, 'file')}`);
    page.line(`  ${listNames(databases)}`);
    const files = pending.map(({ plugin, file }) => [plugin, file] as const);
    page.list(files.slice(0, mostRows));
    if (files.length > mostRows) page.line(`  … and ${files.length - mostRows} more`);
    if (files.length === 0) page.line('  a schema is made or renamed');
  }
  if (behind.length > mostRows) page.line(`… and ${behind.length - mostRows} more groups`);
  describeFindings(page, 'kind of warning', 'kinds of warning', warnings);
  describeFindings(page, 'kind of problem', 'kinds of problem', failures);
  page.line(summarizePlan(plan));
}

/** One sentence: how many databases are behind. */
function summarizePlan(plan: FleetPlan): string {
  const { counts } = plan;
  const all = countDatabases(plan);
  const wrong = counts.failed === 0 ? '' : ` ${counts.failed} cannot be migrated as they are.`;
  return counts.behind === 0
    ? `Nothing to migrate in ${counts.upToDate} of ${all}.${wrong}`
    : `${counts.behind} of ${all} are behind.${wrong}`;
}

/** `50 databases (shard 0/4 of 200)` */
function countDatabases({ databases, shard, listed }: FleetReport | FleetPlan): string {
  const part = shard ? ` (shard ${shard.index}/${shard.count} of ${listed})` : '';
  return `${count(databases.length, 'database')}${part}`;
}

function describeFindings(
  page: Page,
  word: string,
  many: string,
  findings: readonly FleetFinding[],
): void {
  if (findings.length > 0) page.title(count(findings.length, word, many));
  for (const { code, plugin, file, message, hint, databases } of findings.slice(0, mostRows)) {
    const place = [plugin, file].filter((each) => each !== undefined).join(' ');
    const where = place === '' ? '' : ` (${place})`;
    const text = `${code === undefined ? '' : `${code}: `}${message}${where}`;
    page.point(word.endsWith('warning') ? 'warning' : 'bad', text, [
      `in ${count(databases.length, 'database')}: ${listNames(databases)}`,
      ...(hint === undefined ? [] : [`→ ${hint}`]),
    ]);
  }
  if (findings.length > mostRows) page.line(`… and ${findings.length - mostRows} more`);
}

/** The first names, and how many more there are. */
function listNames(names: readonly string[]): string {
  const more = names.length - mostNames;
  return more > 1 ? `${names.slice(0, mostNames).join(', ')} and ${more} more` : names.join(', ');
}
