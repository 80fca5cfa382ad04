import { createRequire } from 'node:module';
import { listCompletions } from './completion.ts';
import { chooseExitCode, UsageError } from './exit-codes.ts';
import { writeCommandHelp, writeProgramHelp } from './help.ts';
import { loadCommand } from './load-command.ts';
import { Output } from './output.ts';
import { parseArguments } from './parse-arguments.ts';

/**
 * Runs the program. It never ends the process, so that exporters can send what they have; its exit code is that of the process.
 */
export async function runCli(given: readonly string[]): Promise<void> {
  const output = new Output();
  try {
    await answer(given, output);
  } catch (error) {
    // A signal may have set its own.
    process.exitCode ||= chooseExitCode(error);
    await reportError(error, given.includes('--verbose') || Boolean(process.env['DEBUG']));
  }
}

async function answer(given: readonly string[], output: Output): Promise<void> {
  if (given[0] === 'complete' && given[1] === '--') {
    return output.write(listCompletions(given.slice(2)));
  }
  const call = parseArguments(given);
  switch (call.kind) {
    case 'version':
      return output.print(readVersion());
    case 'help': {
      const { command } = call;
      return output.print(
        command === undefined
          ? writeProgramHelp(readVersion(), output.width)
          : writeCommandHelp(command, output.width),
      );
    }
    case 'run': {
      const { name, input } = call;
      const run = await loadCommand(name);
      const exitCode = await run({ ...input, output });
      process.exitCode ||= exitCode ?? 0;
    }
  }
}

/** Writes the error as the last thing on standard error. */
async function reportError(error: unknown, isVerbose: boolean): Promise<void> {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n`);
    return;
  }
  const { formatBootError } = await import('../index.ts');
  if (isVerbose) process.stderr.write(`${listStacks(error)}\n\n`);
  const text = `${formatBootError(error)}${isVerbose || isBootError(error) ? '' : hint}`;
  process.stderr.write(`${await fitToTerminal(text)}\n`);
}

/** Breaks lines between their words, but for those of an excerpt: its caret stands under a place. */
async function fitToTerminal(text: string): Promise<string> {
  const { columns, isTTY } = process.stderr;
  if (!isTTY || columns < 40) return text;
  const { wrapLine } = await import('../terminal/display-width.ts');
  const isExcerpt = (line: string): boolean => /^ +\d* \| /.test(line);
  const fit = (line: string): readonly string[] =>
    isExcerpt(line) ? [line] : wrapLine(line, columns - 1, 4);
  return text.split('\n').flatMap(fit).join('\n');
}

/** The stacks of an error and of its causes, and no other fields: those of foreign errors may have anything in them. */
function listStacks(error: unknown): string {
  const stacks: string[] = [];
  for (let each = error; each instanceof Error && stacks.length < 10; each = each.cause) {
    stacks.push(each.stack ?? each.message);
  }
  return stacks.join('\ncaused by ');
}

const hint = '\n\n  → This error was not expected. --verbose prints its stack.';

function isBootError(error: unknown): boolean {
  return error instanceof Error && error.name === 'BootError';
}

/** Reads the package under its own name, because the sources and what is built of them have it at different distances. */
function readVersion(): string {
  const manifest = createRequire(import.meta.url)('slipway/package.json') as { version: string };
  return manifest.version;
}
