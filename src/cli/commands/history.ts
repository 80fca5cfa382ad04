import { readHistory, type KeptBoot } from '../../index.ts';
import { blame, formatDuration, readStory } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { HistoryDocument, HistoryEntry } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { withConfig } from '../load-config.ts';
import { nameStep, signDuration } from '../words.ts';

const [shown, most] = [20, 100];
const mostSteps = 3;
/** So many characters of an id are shown; they are enough to name a boot. */
const idLength = 8;

export async function run({
  arguments: { boot },
  options,
  output,
}: Input<CommandOf<'history'>>): Promise<void> {
  const last = options.last === undefined ? shown : readLast(options.last);
  const boots = await withConfig(options.config, ({ pool }) =>
    readHistory(pool, { last: boot === undefined ? last : most }),
  );
  if (boot !== undefined) {
    output.print(findBoot(boots, boot).lines.join('\n'));
    return;
  }
  const entries = await Promise.all(boots.map(summarize));
  const document: HistoryDocument = { format: 'slipway.history/1', boots: entries };
  printAnswer(output, options, document, (page) => {
    page.table(
      columns,
      entries.map((each, at) => toRow(each, entries[at + 1])),
    );
    page.line(
      boots.length === 0
        ? 'There is no boot in the history. The option `history: true` keeps those that get ready.'
        : 'slipway history <boot> prints the recording of one, and slipway diff --last compares the last two.',
    );
  });
}

/** @throws UsageError */
function readLast(text: string): number {
  const last = Number(text);
  if (/^\d+$/.test(text) && last >= 1 && last <= most) return last;
  throw new UsageError(
    `--last takes a number from 1 to ${most}, and not "${text}".`,
    'See --help.',
  );
}

/** @throws UsageError */
function findBoot(boots: readonly KeptBoot[], start: string): KeptBoot {
  const found = boots.filter(({ bootId }) => bootId.startsWith(start.toLowerCase()));
  const [only, other] = found;
  if (only && !other) return only;
  const message = other
    ? `${found.length} boots of the history begin with "${start}".`
    : `There is no boot "${start}" in the history.`;
  throw new UsageError(message, 'slipway history lists them.');
}

async function summarize({ lines, ...facts }: KeptBoot): Promise<HistoryEntry> {
  const slowest = blame(await readStory(lines)).slice(0, mostSteps);
  return {
    ...facts,
    slowest: slowest.map(({ plugin, step, ownMs }) => ({
      ...(plugin !== undefined && { plugin }),
      step,
      ownMs,
    })),
  };
}

const columns = [
  { title: 'started' },
  { title: 'boot', tone: 'soft' },
  { title: 'app', isElastic: true },
  { title: 'host', isElastic: true, tone: 'soft' },
  { title: 'outcome' },
  { title: 'took', align: 'right' },
  { title: 'change', align: 'right', tone: 'soft' },
  { title: 'longest step', isElastic: true },
] as const;

function toRow(
  { startedAt, bootId, app, host, outcome, durationMs, slowest: [slowest] }: HistoryEntry,
  before: HistoryEntry | undefined,
): readonly string[] {
  return [
    new Date(startedAt).toISOString().slice(0, 19).replace('T', ' '),
    bootId.slice(0, idLength),
    [app?.name, app?.version].filter(Boolean).join(' '),
    host,
    outcome,
    formatDuration(durationMs),
    before ? signDuration(durationMs - before.durationMs) : '',
    slowest ? `${nameStep(slowest)} ${formatDuration(slowest.ownMs)}` : '',
  ];
}
