import { why, type Story } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { WhyDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { findLaunchOf } from '../launches.ts';
import { readSource } from '../read-source.ts';
import { didYouMean } from '../../core/suggest.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'why'>>): Promise<void> {
  const { plugin } = given;
  const story = await readSource(given.recording, options);
  if (!story.record.find(plugin)) throw unknownPlugin(plugin, story);
  const { sentence, chain } = why(story, plugin);
  const document: WhyDocument = {
    format: 'slipway.why/1',
    bootId: story.bootId,
    plugin,
    sentence,
    chain,
  };
  printAnswer(
    output,
    options,
    document,
    (page) => {
      page.line(sentence);
      if (chain.length < 2) return;
      page.list(
        chain.map(({ plugin: id, kind, because }) => [
          id === undefined ? 'another session' : `${id} (${kind})`,
          because,
        ]),
      );
    },
    story,
  );
}

function unknownPlugin(plugin: string, story: Story): UsageError {
  const launch = findLaunchOf(story, plugin);
  if (launch !== undefined) {
    return new UsageError(`${plugin} was added while the boot was up.`, `Ask with ${launch}.`);
  }
  const known = story.record.plugins.map(({ id }) => id);
  const meant = didYouMean(plugin, known);
  const question = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  const list = known.length === 0 ? 'It has none yet.' : `It has ${known.join(', ')}.`;
  return new UsageError(`This boot has no plugin "${plugin}".${question}`, list);
}
