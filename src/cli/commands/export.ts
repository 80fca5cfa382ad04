import { exportStory, type ExportFormat } from '../../insight.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import { UsageError } from '../exit-codes.ts';
import { readSource } from '../read-source.ts';

export async function run({
  arguments: given,
  options,
  output,
}: Input<CommandOf<'export'>>): Promise<void> {
  const { to } = options;
  if (to === undefined) {
    throw new UsageError('export needs --to <format>.', 'slipway export --help lists the formats.');
  }
  const story = await readSource(given.recording, options);
  if (to === 'html') {
    const { exportHtml } = await import('../../inspector.ts');
    output.print(exportHtml(story));
  } else {
    output.print(exportStory(story, to as ExportFormat));
  }
}
