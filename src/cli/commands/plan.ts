import type { BootPlan, Duration, PendingFile, RehearseOptions, TenantsPlan } from '../../index.ts';
import { printAnswer } from '../answer.ts';
import { addFindings, checkPlan, isGraphInvalid, readPlan, summarize } from '../check-plan.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { PlanDocument } from '../documents.ts';
import { UsageError, type ExitCode } from '../exit-codes.ts';
import { addPage, printAnnotations } from '../github.ts';
import { count, countTenants, type Page } from '../page.ts';
import { showFleetPlan } from '../plan-fleet.ts';
import { refuseBeside } from '../read-fleet-options.ts';
import { checkRehearsal, describeRehearsal } from '../show-rehearsal.ts';
import { abortOnSignal } from '../take-signals.ts';

export async function run(input: Input<CommandOf<'plan'>>): Promise<ExitCode> {
  const { options, output } = input;
  const { fleet } = options;
  if (fleet !== undefined) return showFleetPlan(input, fleet);
  refuseBeside(options, { fleet, names: ['shard', 'concurrency'] });
  const plan = await makePlan(input);
  if (options.sql) output.write(writeSql(plan));
  else {
    const document: PlanDocument = { format: 'slipway.plan/1', ...plan };
    printAnswer(output, options, document, (page) => describePlan(page, plan));
  }
  if (!options.sql && !options.json) printAnnotations(plan, output);
  await addPage('slipway plan', (page) => describePlan(page, plan), output);
  const checked = options.check ? checkPlan(plan, output) : 0;
  const rehearsed = plan.rehearsal ? checkRehearsal(plan.rehearsal, output) : 0;
  return checked || rehearsed;
}

async function makePlan({ options, output }: Input<CommandOf<'plan'>>): Promise<BootPlan> {
  try {
    const rehearse = readRehearse(options);
    if (rehearse === undefined) return await readPlan(options, output);
    const notice = rehearse.copy ? 'rolls back, and drops the copy.' : 'rolls back what runs.';
    return await abortOnSignal(output, notice, (signal) =>
      readPlan(options, output, { rehearse: { ...rehearse, signal } }),
    );
  } catch (error) {
    const problems = isGraphInvalid(error) ? (error.problems ?? []) : [];
    if (!options.json) printAnnotations({ plugins: [], warnings: [], problems }, output);
    throw error;
  }
}

/** @throws UsageError for an option of a rehearsal without one */
function readRehearse({
  rehearse,
  copy,
  against,
  functions,
  within,
}: Input<CommandOf<'plan'>>['options']): RehearseOptions | undefined {
  if (rehearse || copy || against !== undefined) {
    return {
      ...(copy && { copy }),
      ...(against !== undefined && { against }),
      ...(functions && { functions }),
      ...(within !== undefined && { within: within as Duration }),
    };
  }
  const alone = functions ? '--functions' : within === undefined ? undefined : '--within';
  if (alone === undefined) return undefined;
  throw new UsageError(`${alone} needs --rehearse.`, 'See slipway plan --help.');
}

function describePlan(page: Page, plan: BootPlan): void {
  const { plugins, disabled } = plan;
  page.table(
    [
      { title: 'plugin', isElastic: true },
      { title: 'schema', isElastic: true, tone: 'soft' },
      { title: 'applied', align: 'right' },
      { title: 'pending', align: 'right', tone: 'warning' },
    ],
    plugins.map(({ id, schema, tenants, applied, pending }) => [
      id,
      tenants ? countTenants(tenants) : (schema ?? ''),
      (schema ?? tenants) === undefined ? '' : String(applied.length),
      pending.length === 0 ? '' : String(pending.length),
    ]),
  );
  if (disabled.length > 0) page.title('Disabled');
  page.list(disabled.map(({ id, because }) => [id, because]));
  for (const { id, schema = '', tenants, renameFrom, missingSchemas, pending } of plugins) {
    const behind = tenants?.behind ?? [];
    const isUpToDate = pending.length === 0 && behind.length === 0;
    if (isUpToDate && renameFrom === undefined && missingSchemas === undefined) continue;
    page.title(`${id} would apply ${count(pending.length, 'file')}`);
    for (const group of behind) page.line(`  ${describeGroup(group)}`);
    if (renameFrom !== undefined) {
      page.line(`  after the schema ${renameFrom} is renamed to ${schema}`);
    }
    if (missingSchemas !== undefined) {
      page.line(`  after the schema ${missingSchemas.join(', ')} is made`);
    }
    page.list(pending.map((file) => [file.file, describeFile(file)]));
  }
  if (plan.rehearsal) describeRehearsal(page, plan.rehearsal);
  addFindings(page, plan);
  page.line(summarize(plan));
}

/** `to acme, globex: 0001_total.sql` */
function describeGroup({ tenants, pending }: TenantsPlan['behind'][number]): string {
  const files = pending.length === 0 ? 'a new name of the schema' : list(pending);
  return `to ${list(tenants)}: ${files}`;
}

/** Finds the tenants that lack a file. */
function findBehind({ behind }: TenantsPlan, file: string): readonly string[] {
  return behind.flatMap(({ tenants, pending }) => (pending.includes(file) ? tenants : []));
}

/** The first names of a list, and how many more there are. */
function list(names: readonly string[]): string {
  const more = names.length - mostNames;
  return more > 1 ? `${names.slice(0, mostNames).join(', ')} and ${more} more` : names.join(', ');
}

const mostNames = 8;

/** `2 statements, outside of a transaction, blocks writers`. */
function describeFile(file: PendingFile): string {
  const { kind, replaces, transaction, goesOnAt, statements, repeats } = file;
  if (replaces) return `is not run: it replaces ${describeRows(replaces)}`;
  const worst = ['readers', 'unknown', 'writers'].find((each) =>
    statements.some(({ blocks }) => blocks === each),
  );
  return [
    kind === 'function' ? 'a function' : count(statements.length, 'statement'),
    ...(repeats ? ['runs again'] : []),
    ...(transaction ? [] : ['outside of a transaction']),
    ...(goesOnAt === undefined
      ? []
      : [`goes on at command ${goesOnAt} of ${goesOnAt - 1 + statements.length}`]),
    ...(worst === undefined ? [] : [worst === 'unknown' ? 'may block others' : `blocks ${worst}`]),
    ...(statements.some(({ rewrites }) => rewrites) ? ['writes a table anew'] : []),
  ].join(', ');
}

/** `3 rows of the history (0000_items … 0002_rows)` */
function describeRows(rows: readonly string[]): string {
  const [first = '', ...others] = rows;
  const names = others.length === 0 ? first : `${first} … ${others.at(-1)}`;
  return `${count(rows.length, 'row')} of the history (${names})`;
}

function writeSql({ plugins }: BootPlan): string {
  const files = plugins.flatMap(({ id, schema = '', tenants, pending }) =>
    pending.map(({ file, kind, replaces, transaction, goesOnAt, statements, repeats }) => {
      if (replaces) return `-- ${id}: ${file} is not run: it replaces ${describeRows(replaces)}\n`;
      const from = goesOnAt === undefined ? '' : `, from command ${goesOnAt} on`;
      const outside = transaction ? '' : `, outside of a transaction${from}`;
      const texts =
        kind === 'function'
          ? ['-- A function: its statements are not known before it runs.']
          : statements.map(({ text }) => `${text.trim().replace(/;$/, '')};`);
      const again = repeats ? ', which runs again' : '';
      const where = tenants ? `schemas of ${list(findBehind(tenants, file))}` : `schema ${schema}`;
      return [`-- ${id}: ${file}${again}, in the ${where}${outside}`, ...texts, ''].join('\n');
    }),
  );
  return files.length === 0 ? '-- Nothing to migrate.\n' : files.join('\n');
}
