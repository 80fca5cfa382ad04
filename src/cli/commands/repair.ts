import {
  createRepair,
  type BootOptions,
  type Duration,
  type HistoryTool,
  type Repair,
  type RepairReport,
} from '../../index.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandName, CommandOf } from '../command-table.ts';
import { canAsk, confirm } from '../confirm.ts';
import type { RepairDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { withConfig } from '../load-config.ts';
import { count, type Page } from '../page.ts';

type RepairCommand = Extract<CommandName, `repair ${string}`>;
type ChangingCommand = Exclude<RepairCommand, 'repair holder'>;

/** What every call of a repair takes. */
interface Call {
  readonly dryRun: boolean;
  readonly wait?: Duration;
}

export function baseline(input: Input<CommandOf<'repair baseline'>>): Promise<void> {
  const { 'up-to': upTo, from, table } = input.options;
  return runRepair(input, (repair, plugin, call) =>
    repair.baseline(plugin, {
      ...call,
      ...(upTo !== undefined && { upTo }),
      // createRepair() checks the name of the tool.
      ...(from !== undefined && { from: from as HistoryTool }),
      ...(table !== undefined && { table }),
    }),
  );
}

export function markApplied(input: Input<CommandOf<'repair mark-applied'>>): Promise<void> {
  const { file: files } = input.options;
  if (files.length === 0) {
    const usage = 'Usage: slipway repair mark-applied <plugin> --file <file>';
    throw new UsageError('repair mark-applied needs the files: --file <file>.', usage);
  }
  return runRepair(input, (repair, plugin, call) => repair.markApplied(plugin, files, call));
}

export function acceptEdited(input: Input<CommandOf<'repair accept-edited'>>): Promise<void> {
  const { file: files } = input.options;
  return runRepair(input, (repair, plugin, call) =>
    repair.acceptEdited(plugin, { ...call, ...(files.length > 0 && { files }) }),
  );
}

export function forget(input: Input<CommandOf<'repair forget'>>): Promise<void> {
  const { row: rows } = input.options;
  return runRepair(input, (repair, plugin, call) =>
    repair.forget(plugin, { ...call, ...(rows.length > 0 && { rows }) }),
  );
}

export function relocate(input: Input<CommandOf<'repair relocate'>>): Promise<void> {
  const { object: objects } = input.options;
  return runRepair(input, (repair, plugin, call) =>
    repair.relocate(plugin, { ...call, ...(objects.length > 0 && { objects }) }),
  );
}

/** Shows what a repair would do, asks where there is a person to ask, and does it. `--yes` does it at once. */
async function runRepair(
  { arguments: { plugin }, options, output }: Input<CommandOf<ChangingCommand>>,
  call: (repair: Repair, plugin: string, how: Call) => Promise<RepairReport>,
): Promise<void> {
  const { yes, wait, config } = options;
  const print = (report: RepairReport, next?: string): void => {
    const document: RepairDocument = { format: 'slipway.repair/1', ...report };
    printAnswer(output, options, document, (page) => describe(page, report, next));
  };
  await withConfig(config, async (given) => {
    const repair = createRepair(withoutLog(given));
    const attempt = (dryRun: boolean): Promise<RepairReport> =>
      call(repair, plugin, { dryRun, ...(wait !== undefined && { wait: wait as Duration }) });
    if (yes) return print(await attempt(false));
    const report = await attempt(true);
    if (report.changes.length === 0 || !canAsk(options)) {
      return print(report, 'Nothing was changed. --yes does it.');
    }
    print(report);
    if (await confirm('Do it?', output)) return print(await attempt(false));
    return output.note('  Nothing was changed.');
  });
}

/** The options without a level of the log: its lines would stand between the answers. */
export function withoutLog({ logger, ...options }: BootOptions): BootOptions {
  return typeof logger === 'object' ? { ...options, logger } : options;
}

function describe(page: Page, report: RepairReport, next = ''): void {
  const { plugin, schema, dryRun, changes, left, statements } = report;
  for (const { kind, name, change } of changes) {
    page.point(dryRun ? 'soft' : 'good', `${kind} ${name}: ${dryRun ? 'would be ' : ''}${change}`);
  }
  for (const { kind, name, because } of left) {
    page.point('warning', `${kind} ${name} stays as it is: ${because}`);
  }
  if (changes.length === 0) return page.line(`Nothing to do for ${plugin} (schema ${schema}).`);
  page.title(dryRun ? 'SQL that would run' : 'SQL that ran');
  for (const statement of statements) page.point('soft', `${statement};`);
  const what = `${count(changes.length, 'change')} of ${plugin}`;
  page.line(dryRun ? `It would make ${what}. ${next}`.trim() : `Done: ${what}.`);
}
