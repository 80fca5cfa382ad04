import { examine, type Check, type CheckStatus, type Examination } from '../../index.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { DoctorDocument } from '../documents.ts';
import { UsageError, type ExitCode } from '../exit-codes.ts';
import { withConfig } from '../load-config.ts';
import { count, type Tone } from '../page.ts';

export async function run({ options, output }: Input<CommandOf<'doctor'>>): Promise<ExitCode> {
  const replicas = options.replicas === undefined ? undefined : readCount(options.replicas);
  const examination = await withConfig(options.config, (given) =>
    examine(given, replicas === undefined ? {} : { replicas }),
  );
  const document: DoctorDocument = { format: 'slipway.doctor/1', ...examination };
  printAnswer(output, options, document, (page) => {
    for (const { id, status, found, remedy } of examination.checks) {
      page.point(tones[status], `${id}: ${found}`, remedy === undefined ? [] : [`→ ${remedy}`]);
    }
    page.line(summarize(examination));
  });
  const problems = list(examination, 'problem').length;
  if (!options.check || problems === 0) return 0;
  output.note(`slipway doctor --check found ${count(problems, 'problem')}`);
  return 3;
}

const tones: Readonly<Record<CheckStatus, Tone>> = {
  ok: 'good',
  warning: 'warning',
  problem: 'bad',
  unknown: 'soft',
};

/** @throws UsageError */
function readCount(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new UsageError(`--replicas takes a number from 1, and not "${text}".`, 'See --help.');
}

function list({ checks }: Examination, status: CheckStatus): readonly Check[] {
  return checks.filter((check) => check.status === status);
}

/** `2 problems, 1 warning, 1 unknown and 16 ok.` */
function summarize(examination: Examination): string {
  const found = [
    [list(examination, 'problem').length, 'problem'],
    [list(examination, 'warning').length, 'warning'],
  ] as const;
  const ok = list(examination, 'ok').length;
  if (ok === examination.checks.length) return `All ${ok} checks are ok.`;
  const unknown = list(examination, 'unknown').length;
  const parts = [
    ...found.flatMap(([number, word]) => (number === 0 ? [] : [count(number, word)])),
    ...(unknown === 0 ? [] : [`${unknown} unknown`]),
  ];
  return `${parts.join(', ')}; ${ok} of ${examination.checks.length} checks are ok.`;
}
