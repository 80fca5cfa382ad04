import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import { completionScripts } from '../completion.ts';

export async function run({
  arguments: { shell },
  output,
}: Input<CommandOf<'complete'>>): Promise<void> {
  output.write(completionScripts[shell as keyof typeof completionScripts]);
}
