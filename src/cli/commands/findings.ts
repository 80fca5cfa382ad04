import { findings, formatDuration } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { FindingsDocument } from '../documents.ts';
import { readSource } from '../read-source.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'findings'>>): Promise<void> {
  const story = await readSource(given.recording, options);
  const found = findings(story);
  const document: FindingsDocument = {
    format: 'slipway.findings/1',
    bootId: story.bootId,
    findings: found,
  };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      if (found.length === 0) page.line('Nothing is worth a look.');
      for (const { title, why, caveat, evidence, savedMs } of found) {
        page.point('warning', title, [
          why,
          ...evidence.map(({ fact }) => `· ${fact}`),
          ...(savedMs === undefined ? [] : [`It would save ${formatDuration(savedMs)}.`]),
          `But: ${caveat}`,
        ]);
      }
    },
    story,
  );
}
