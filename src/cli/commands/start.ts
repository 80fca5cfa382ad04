import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import { runBoot } from '../run-boot.ts';

export function run(input: Input<CommandOf<'start'>>): Promise<void> {
  return runBoot(input, async (boot) => {
    const stopped = new Promise<readonly Error[]>((resolve) => {
      boot.once('boot.stopped', ({ errors }) => resolve(errors));
    });
    // A backend without a server of its own has nothing that keeps its process alive.
    const alive = setInterval(() => undefined, 2 ** 30);
    try {
      await boot.start();
      input.output.note('\n  Ctrl-C stops it.');
      const [error] = await stopped;
      // The lines above name the others.
      if (error) throw error;
    } finally {
      clearInterval(alive);
    }
  });
}
