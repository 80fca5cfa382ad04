import { ruleMeanings, verify } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { VerifyDocument } from '../documents.ts';
import type { ExitCode } from '../exit-codes.ts';
import { count } from '../page.ts';
import { readSource } from '../read-source.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'verify'>>): Promise<ExitCode> {
  const story = await readSource(given.recording, options);
  const violations = verify(story);
  const document: VerifyDocument = {
    format: 'slipway.verify/1',
    bootId: story.bootId,
    violations,
  };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      if (violations.length === 0) {
        const rules = count(Object.keys(ruleMeanings).length, 'promise');
        page.line(`Every promise was kept (${rules}, ${count(story.events.length, 'event')}).`);
      }
      for (const { rule, message, seqs } of violations) {
        page.point('bad', `${rule}: ${message}`, [
          ruleMeanings[rule],
          ...(seqs.length === 0 ? [] : [`in the lines with "seq" ${seqs.join(', ')}`]),
        ]);
      }
    },
    story,
  );
  if (violations.length === 0) return 0;
  output.note(`The check found ${count(violations.length, 'broken promise')}.`);
  return 3;
}
