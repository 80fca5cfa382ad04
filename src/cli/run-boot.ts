import {
  createLiveOutput,
  createRecorder,
  gracefulShutdown,
  type Boot,
  type BootOptions,
} from '../index.ts';
import type { Inspector } from '../inspector.ts';
import type { Input } from './command.ts';
import type { CommandOf } from './command-table.ts';
import { UsageError } from './exit-codes.ts';
import { addSummary } from './github.ts';
import { withBoot } from './load-config.ts';
import { isForPeople, type Output } from './output.ts';
import { takeSignals } from './take-signals.ts';

/**
 * Makes the boot of the config, shows it, and lets signals stop it. When `use` has ended, everything is stopped.
 *
 * @throws what `use` throws
 */
export function runBoot(
  { options, output }: Input<CommandOf<'migrate' | 'start'>>,
  use: (boot: Boot) => Promise<void>,
): Promise<void> {
  const { config, json, record, inspect } = options;
  if (!json) output.release();
  const port = inspect === undefined ? undefined : readPort('inspect', inspect);
  const adapt = (given: BootOptions): BootOptions => {
    const { logger, ...others } = given;
    return {
      ...others,
      // A level means a log on standard output.
      ...(logger !== undefined && !(typeof logger === 'string' && isShown(json)) && { logger }),
      ...(record !== undefined && { record }),
    };
  };
  return withBoot(
    config,
    async (boot) => {
      if (json) createRecorder(boot, { write: (lines) => output.write(lines) });
      else boot.onAny(createLiveOutput({ stream: process.stderr }));
      const ignoreSignals = takeSignals(output, {
        notice: 'stops everything in good order.',
        listen: (signals) => gracefulShutdown(boot, { signals }),
      });
      let inspector: Inspector | undefined;
      try {
        if (port !== undefined) inspector = await openInspector(boot, port, output);
        await use(boot);
      } catch (error) {
        output.note('');
        throw error;
      } finally {
        await boot.stop('that was all');
        await inspector?.close();
        ignoreSignals();
        await addSummary(boot, output);
      }
    },
    adapt,
  );
}

/** Whether the boot is shown to people or in another form already, so that a log would only be in its way. */
function isShown(json: boolean): boolean {
  return json || isForPeople(process.stderr);
}

/** @throws UsageError */
export function readPort(option: string, text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UsageError(
    `--${option} takes a port from 0 to 65535, and not "${text}".`,
    'See --help.',
  );
}

async function openInspector(boot: Boot, port: number, output: Output): Promise<Inspector> {
  const { createInspector } = await import('../inspector.ts');
  const inspector = await createInspector(boot, { port });
  output.note(`\n  The inspector shows this boot: ${inspector.url}`);
  return inspector;
}
