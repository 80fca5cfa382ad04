import { createRepair, type HolderReport } from '../../index.ts';
import { formatDuration } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import { canAsk, confirm } from '../confirm.ts';
import type { HolderDocument } from '../documents.ts';
import type { ExitCode } from '../exit-codes.ts';
import { withConfig } from '../load-config.ts';
import { withoutLog } from './repair.ts';

export function run({
  arguments: { plugin },
  options,
  output,
}: Input<CommandOf<'repair holder'>>): Promise<ExitCode> {
  const print = (report: HolderReport, next?: string): void => {
    const document = toDocument(report);
    printAnswer(output, options, document, (page) => {
      page.line(summarize(report));
      page.list(listFacts(document));
      if (next !== undefined) page.line(next);
    });
  };
  return withConfig(options.config, async (given) => {
    const repair = createRepair(withoutLog(given));
    const end = async (pid?: number): Promise<ExitCode> => {
      const report = await repair.holder(plugin, {
        terminate: true,
        ...(pid !== undefined && { pid }),
      });
      print(report);
      return report.terminated === false ? 1 : 0;
    };
    if (options.terminate && options.yes) return end();
    const report = await repair.holder(plugin);
    const isToEnd = options.terminate && report.holder !== undefined;
    if (!isToEnd || !canAsk(options)) {
      print(report, isToEnd ? 'It would be ended. --yes does it.' : undefined);
      return 0;
    }
    print(report);
    if (await confirm('End this session?', output)) return end(report.holder?.pid);
    output.note('  Nothing was ended.');
    return 0;
  });
}

/** The report without the SQL of the session, which may have anything in it. */
function toDocument({ holder, ...report }: HolderReport): HolderDocument {
  if (!holder) return { format: 'slipway.holder/1', ...report };
  const { query: _, ...shown } = holder;
  return { format: 'slipway.holder/1', ...report, holder: shown };
}

function summarize({ plugin, schema, holder, terminated, because }: HolderReport): string {
  if (!holder) return `The migration lock of ${plugin} (schema ${schema}) is free.`;
  if (terminated === true)
    return `The session that held the migration lock of ${plugin} was ended.`;
  const held = `A session holds the migration lock of ${plugin} (schema ${schema})`;
  return because === undefined ? `${held}:` : `${held}, and was not ended: ${because}`;
}

function listFacts({ holder }: HolderDocument): readonly (readonly [string, string])[] {
  if (!holder) return [];
  const { pid, applicationName, host, state, ageMs, transactionMs, queryMs } = holder;
  const { waitsFor, blockedBy } = holder;
  const age = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : formatDuration(ms);
  const facts = [
    ['pid', String(pid)],
    ['program', applicationName],
    ['host', host],
    ['connected for', age(ageMs)],
    ['state', state],
    ['transaction for', age(transactionMs)],
    ['last statement began', queryMs === undefined ? undefined : `${age(queryMs)} ago`],
    ['waits for', waitsFor && `${waitsFor.applicationName ?? 'a session'} (pid ${waitsFor.pid})`],
    ['blocked by', blockedBy.length > 1 ? `pids ${blockedBy.join(', ')}` : undefined],
  ] as const;
  return facts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
}
