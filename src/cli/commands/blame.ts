import { blame, formatDuration, type BlameEntry } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { BlameDocument } from '../documents.ts';
import { count, type Page } from '../page.ts';
import { readSource } from '../read-source.ts';
import { listWaits, nameStep } from '../words.ts';

const shownSteps = 20;
const shownFiles = 5;

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'blame'>>): Promise<void> {
  const story = await readSource(given.recording, options);
  const steps = blame(story);
  const document: BlameDocument = { format: 'slipway.blame/1', bootId: story.bootId, steps };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      const shown = options.all ? steps : steps.slice(0, shownSteps);
      const longest = Math.max(1, steps[0]?.ownMs ?? 1);
      page.table(
        [
          { title: 'step', isElastic: true },
          { title: 'own time', align: 'right' },
          { title: '', isChart: true, isSpare: true },
          { title: 'waited for', isElastic: true, isCutAtEnd: true, tone: 'soft' },
        ],
        shown.map((entry) => [
          nameStep(entry),
          formatDuration(entry.ownMs) + (entry.isOpen ? ' so far' : ''),
          [{ from: 0, to: entry.ownMs / longest, glyph: '█' }],
          listWaits(entry.waits),
        ]),
      );
      const left = steps.length - shown.length;
      if (left > 0) page.line(`${count(left, 'shorter step')} not shown: --all lists them.`);
      addFiles(page, steps);
    },
    story,
  );
}

function addFiles(page: Page, steps: readonly BlameEntry[]): void {
  const files = steps
    .flatMap(({ plugin = '', files: own }) => own.map((file) => ({ plugin, ...file })))
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, shownFiles);
  if (files.length > 0) page.title('The longest files');
  page.table(
    [
      { title: 'plugin', isElastic: true },
      { title: 'file', isElastic: true },
      { title: 'time', align: 'right' },
      { title: 'its longest statement', isElastic: true, tone: 'soft' },
    ],
    files.map(({ plugin, file, ms, longest }) => [
      plugin,
      file,
      formatDuration(ms),
      longest ? `${longest.command} ${formatDuration(longest.ms)}` : '',
    ]),
  );
}
