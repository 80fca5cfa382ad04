import { once } from 'node:events';
import { createInspector } from '../../inspector.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import { UsageError } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { readSource } from '../read-source.ts';
import { readPort } from '../run-boot.ts';
import { run as start } from './start.ts';

export async function run(input: Input<CommandOf<'inspect'>>): Promise<void> {
  const { arguments: given, options, output } = input;
  const { port = '0', launch, config } = options;
  if (given.recording !== undefined) {
    return serve(given.recording, readPort('port', port), launch, output);
  }
  if (launch !== undefined) {
    throw new UsageError('--launch needs a recording.', 'slipway inspect --help shows examples.');
  }
  await start({
    arguments: {},
    options: { record: undefined, inspect: port, config, json: false },
    output,
  });
}

/** Serves a recording until a signal. Its address names the launch that it shows first. */
async function serve(
  recording: string,
  port: number,
  launch: string | undefined,
  output: Output,
): Promise<void> {
  if (launch !== undefined) await readSource(recording, { launch });
  const hash = launch === undefined ? '' : `#launch=${launch}`;
  const inspector = await createInspector(recording, { port });
  output.print(`The inspector shows ${recording}: ${inspector.url}${hash}\nCtrl-C closes it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await inspector.close();
}
