import { criticalChain, formatDuration } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { CriticalChainDocument } from '../documents.ts';
import { readSource } from '../read-source.ts';
import { nameKind, nameStep } from '../words.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'critical-chain'>>): Promise<void> {
  const story = await readSource(given.recording, options);
  const links = criticalChain(story);
  const { bootId, endMs } = story;
  const document: CriticalChainDocument = {
    format: 'slipway.critical-chain/1',
    bootId,
    endMs,
    links,
  };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      page.table(
        [
          { title: 'at', align: 'right', tone: 'soft' },
          { title: 'took', align: 'right' },
          { title: 'step', isElastic: true },
          { title: 'what', isElastic: true, isCutAtEnd: true },
          { title: '', isChart: true, isSpare: true },
        ],
        links.map((link) => [
          formatDuration(link.startMs),
          formatDuration(link.endMs - link.startMs),
          nameStep(link),
          nameKind(link.kind),
          [
            {
              from: link.startMs / endMs,
              to: link.endMs / endMs,
              glyph: link.kind === 'work' ? '█' : '·',
            },
          ],
        ]),
      );
      page.line(
        links.length === 0
          ? 'Nothing has happened yet.'
          : `The parts add up to ${formatDuration(endMs)}.`,
      );
    },
    story,
  );
}
