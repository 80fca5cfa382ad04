import { once } from 'node:events';
import { createInspector } from '../../inspector.ts';
import type { Input } from '../command.ts';
import type { CommandOf } from '../command-table.ts';
import type { Output } from '../output.ts';
import { readPort } from '../run-boot.ts';
import { run as start } from './start.ts';

export async function run(input: Input<CommandOf<'inspect'>>): Promise<void> {
  const { arguments: given, options, output } = input;
  const { port = '0', config } = options;
  if (given.recording !== undefined) return serve(given.recording, readPort('port', port), output);
  await start({
    arguments: {},
    options: { record: undefined, inspect: port, config, json: false },
    output,
  });
}

/** Serves a recording until a signal. */
async function serve(recording: string, port: number, output: Output): Promise<void> {
  const inspector = await createInspector(recording, { port });
  output.print(`The inspector shows ${recording}: ${inspector.url}\nCtrl-C closes it.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await inspector.close();
}
