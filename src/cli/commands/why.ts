import { why } from '../../insight.ts';
import { printAnswer } from '../answer.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { WhyDocument } from '../documents.ts';
import { UsageError } from '../exit-codes.ts';
import { readSource } from '../read-source.ts';
import { didYouMean } from '../../core/suggest.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'why'>>): Promise<void> {
  const { plugin } = given;
  const story = await readSource(given.recording, options.at);
  const known = story.record.plugins.map(({ id }) => id);
  if (!known.includes(plugin)) throw unknownPlugin(plugin, known);
  const { sentence, chain } = why(story, plugin);
  const document: WhyDocument = {
    format: 'slipway.why/1',
    bootId: story.bootId,
    plugin,
    sentence,
    chain,
  };
  printAnswer(output, options, document, (page) => {
    page.line(sentence);
    if (chain.length < 2) return;
    page.list(
      chain.map(({ plugin: id, kind, because }) => [
        id === undefined ? 'another session' : `${id} (${kind})`,
        because,
      ]),
    );
  });
}

function unknownPlugin(plugin: string, known: readonly string[]): UsageError {
  const meant = didYouMean(plugin, known);
  const question = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  const list = known.length === 0 ? 'It has none yet.' : `It has ${known.join(', ')}.`;
  return new UsageError(`This boot has no plugin "${plugin}".${question}`, list);
}
