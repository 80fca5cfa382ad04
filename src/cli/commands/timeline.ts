import { formatDuration, timeline, type Lane, type StepBar } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { TimelineDocument } from '../documents.ts';
import type { Stretch } from '../page.ts';
import { readSource } from '../read-source.ts';

/** As in the table at the end of a boot: the bars differ without colours. */
const glyphs = { migrate: '█', init: '▓', ready: '▒', stop: '░' } as const;
const verbs = { migrate: 'migrates', init: 'starts', ready: 'gets ready', stop: 'stops' } as const;
const waitGlyph = '·';
const waits = `${waitGlyph} waits`;

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'timeline'>>): Promise<void> {
  const story = await readSource(given.recording, options);
  const drawn = timeline(story);
  const document: TimelineDocument = {
    format: 'slipway.timeline/1',
    bootId: story.bootId,
    ...drawn,
  };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      page.table(
        [
          { title: 'plugin', isElastic: true },
          { title: 'from', align: 'right', tone: 'soft' },
          { title: 'to', align: 'right', tone: 'soft' },
          { title: '', isChart: true },
        ],
        drawn.lanes.map(toRow),
      );
      page.legend(
        [...story.record.askedSteps.map((step) => `${glyphs[step]} ${verbs[step]}`), waits].join(
          '  ',
        ),
      );
      for (const { startMs, endMs } of drawn.gaps) {
        const length = formatDuration(endMs - startMs);
        page.point('soft', `${length} from ${formatDuration(startMs)} on are drawn short.`);
      }
    },
    story,
  );
}

function toRow({ plugin, bars }: Lane) {
  const [first, last] = [bars[0], bars.at(-1)];
  return [
    plugin,
    first ? formatDuration(first.startMs) : '',
    last ? formatDuration(last.endMs) : '',
    bars.flatMap(drawBar),
  ];
}

function drawBar({ step, state, segments }: StepBar): readonly Stretch[] {
  const isBad = state === 'failed' || state === 'timeout';
  return segments.map(({ kind, from, to }) => {
    const isWork = kind === 'own' || kind === 'statement';
    const tone = isBad ? 'bad' : isWork ? undefined : 'soft';
    return { from, to, glyph: isWork ? glyphs[step] : waitGlyph, ...(tone && { tone }) };
  });
}
