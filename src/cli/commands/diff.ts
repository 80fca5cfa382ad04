import { readHistory } from '../../index.ts';
import { diff, formatDuration, readStory, type Story } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { DiffDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { withConfig } from '../load-config.ts';
import { readSource } from '../read-source.ts';
import { nameKind, nameStep, signDuration } from '../words.ts';

const shownParts = 15;
/** In ms. */
const shortestPart = 0.5;

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'diff'>>): Promise<void> {
  const [before, after] = options.last
    ? await readLast(given, options.config)
    : await readBoth(given);
  const result = diff(before, after);
  const document: DiffDocument = {
    format: 'slipway.diff/1',
    before: before.bootId,
    after: after.bootId,
    ...result,
  };
  printAnswer(output, options, document, (page) => {
    const { totalMs, parts, changes } = result;
    page.line(
      `${signDuration(totalMs)}: the first boot took ${formatDuration(before.endMs)}, the second one ${formatDuration(after.endMs)}.`,
    );
    const seen = parts.filter(({ ms }) => Math.abs(ms) >= shortestPart);
    const rows = seen
      .slice(0, shownParts)
      .map((part) => [signDuration(part.ms), nameStep(part), nameKind(part.kind)]);
    const rest = parts.filter((part) => !seen.slice(0, shownParts).includes(part));
    const restMs = rest.reduce((sum, { ms }) => sum + ms, 0);
    page.table(
      [{ title: 'time', align: 'right' }, { title: 'step', isElastic: true }, { title: 'what' }],
      rest.length === 0 ? rows : [...rows, [signDuration(restMs), 'all other parts', '']],
    );
    page.title(changes.length === 0 ? 'Nothing else has changed.' : 'What has changed');
    for (const { sentence } of changes) page.point('soft', sentence);
  });
}

type Pair = readonly [before: Story, after: Story];

/** @throws UsageError */
async function readBoth({ before, after }: Input<CommandOf<'diff'>>['arguments']): Promise<Pair> {
  if (before !== undefined && after !== undefined) {
    return [await readSource(before), await readSource(after)];
  }
  const message = 'diff needs <before> and <after>, or --last.';
  throw new UsageError(message, 'Usage: slipway diff <before> <after>');
}

/** @throws UsageError */
async function readLast(
  given: Input<CommandOf<'diff'>>['arguments'],
  config: string | undefined,
): Promise<Pair> {
  if (given.before !== undefined) {
    throw new UsageError('diff takes recordings or --last, and not both.', 'See --help.');
  }
  const [after, before] = await withConfig(config, ({ pool }) => readHistory(pool, { last: 2 }));
  if (before && after) return [await readStory(before.lines), await readStory(after.lines)];
  const message = `The history has ${after ? 'one boot' : 'no boot'}, and --last compares two.`;
  throw new UsageError(message, 'The option `history: true` keeps each boot that gets ready.');
}
