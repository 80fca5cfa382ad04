import type { BootPlan } from '../../index.ts';
import { printAnswer } from '../answer.ts';
import { addFindings, checkPlan, readPlan, summarize } from '../check-plan.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { PluginStatus, StatusDocument } from '../documents.ts';
import type { ExitCode } from '../exit-codes.ts';
import { countTenants } from '../page.ts';
import { showFleet } from '../show-fleet.ts';

export async function run(input: Input<CommandOf<'status'>>): Promise<ExitCode | void> {
  const { options, output } = input;
  if (options.fleet) return showFleet(input);
  const plan = await readPlan(options, output);
  const { disabled, warnings, problems } = plan;
  const plugins = plan.plugins.map(readStatus);
  const document: StatusDocument = {
    format: 'slipway.status/1',
    plugins,
    disabled,
    warnings,
    problems,
  };
  printAnswer(output, options, document, (page) => {
    const off = disabled.map(({ id, because }) => [id, '', because, '', '']);
    page.table(columns, [...plugins.map(toRow), ...off]);
    addFindings(page, plan);
    page.line(summarize(plan));
  });
  return options.check ? checkPlan(plan, output) : 0;
}

const columns = [
  { title: 'plugin', isElastic: true },
  { title: 'applied', align: 'right' },
  { title: 'last', isElastic: true, tone: 'soft' },
  { title: 'pending', align: 'right', tone: 'warning' },
  { title: 'next', isElastic: true, tone: 'soft' },
] as const;

function toRow(status: PluginStatus): readonly string[] {
  const { id, schema, tenants, applied, last = '', pending } = status;
  const [next = ''] = pending;
  return [
    tenants ? `${id} (${countTenants(tenants)})` : id,
    (schema ?? tenants) === undefined ? '' : String(applied),
    last,
    next === '' ? '' : String(pending.length),
    next,
  ];
}

function readStatus(plan: BootPlan['plugins'][number]): PluginStatus {
  const { id, schema, tenants, applied, pending } = plan;
  const last = applied.at(-1);
  return {
    id,
    ...(schema !== undefined && { schema }),
    ...(tenants && { tenants: { total: tenants.total, upToDate: tenants.upToDate } }),
    applied: applied.length,
    ...(last !== undefined && { last }),
    pending: pending.map(({ file }) => file),
  };
}
