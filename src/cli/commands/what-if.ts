import { formatDuration, whatIf } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { WhatIfDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { readSource } from '../read-source.ts';
import { nameKind, nameStep } from '../words.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'what-if'>>): Promise<void> {
  const migrateConcurrency = readCount('migrate-concurrency', options['migrate-concurrency']);
  const initConcurrency = readCount('init-concurrency', options['init-concurrency']);
  const { without } = options;
  if (migrateConcurrency === undefined && initConcurrency === undefined && without.length === 0) {
    throw new UsageError(
      'what-if needs a change: --migrate-concurrency, --init-concurrency or --without.',
      'slipway what-if --help shows examples.',
    );
  }
  const story = await readSource(given.recording, options);
  const { story: _, ...result } = whatIf(story, { migrateConcurrency, initConcurrency, without });
  const { bootId, endMs } = story;
  const document: WhatIfDocument = { format: 'slipway.what-if/1', bootId, ...result };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      const { durationMs, savedMs, longest } = result;
      const verdict =
        Math.abs(savedMs) < 0.5
          ? 'as long as it did'
          : `${formatDuration(durationMs)}, ${formatDuration(Math.abs(savedMs))} ${savedMs > 0 ? 'less' : 'more'}`;
      page.line(`The boot took ${formatDuration(endMs)}. It would have taken ${verdict}.`);
      if (story.record.onlyMigrates) {
        page.line(
          'This boot was asked to migrate only: no plugin started, so only migrations count.',
        );
      }
      if (!longest) return;
      const ms = formatDuration(longest.endMs - longest.startMs);
      page.line(
        `Its longest part would be ${nameStep(longest)}: ${nameKind(longest.kind)}, ${ms}.`,
      );
    },
    story,
  );
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes a number from 1 on, and not "${text}".`, 'See --help.');
}
