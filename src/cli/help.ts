import { groups, type Argument, type Command, type Option } from './command.ts';
import { commands, commonOptions, findCommand } from './command-table.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';

const indent = '  ';
const between = 2;

/** Writes how to call a command, in one line. */
export function writeUsage(name: string, command: Command): string {
  const args = Object.entries(command.arguments).map(([argument, { isOptional }]) =>
    isOptional ? `[${argument}]` : `<${argument}>`,
  );
  return `Usage: ${['slipway', name, ...args, '[options]'].join(' ')}`;
}

/** Writes the help of the program. */
export function writeProgramHelp(version: string, width: number): string {
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const own = Object.entries<Command>(commands).filter(([, each]) => each.group === group);
    if (own.length === 0) return [];
    const rows = own.map(([name, { summary }]) => [name, summary] as const);
    return [`${title}\n${writeRows(rows, width)}`];
  });
  return [
    wrap(
      `slipway ${version}: every plugin of a backend is migrated before any plugin starts`,
      width,
      '',
    ),
    'Usage: slipway <command> [options]',
    ...sections,
    'slipway <command> --help explains a command, with examples.',
  ].join('\n\n');
}

/** Writes the help of a command, or of all that begin with this word. */
export function writeCommandHelp(name: string, width: number): string {
  const command = findCommand(name);
  if (!command) return writeFamilyHelp(name, width);
  const args = Object.entries(command.arguments);
  const options = Object.entries({ ...command.options, ...commonOptions });
  return [
    writeUsage(name, command),
    wrap(`${command.summary}.`, width, ''),
    ...(command.details ?? []).map((text) => wrap(text, width, '')),
    ...(args.length > 0 ? [`Arguments\n${writeRows(args.map(describeArgument), width)}`] : []),
    `Options\n${writeRows(options.map(describeOption), width)}`,
    `Examples\n${writeExamples(command, width)}`,
    `Exit codes\n${writeRows(listExitCodes(command), width)}`,
  ].join('\n\n');
}

/** Lists the exit codes of a command with their meanings. */
export function listExitCodes(command: Command): readonly (readonly [string, string])[] {
  const codes: readonly ExitCode[] = [0, 2, ...command.exitCodes];
  return codes.toSorted((a, b) => a - b).map((code) => [String(code), exitCodes[code]]);
}

function writeFamilyHelp(first: string, width: number): string {
  const family = Object.entries<Command>(commands).filter(([name]) => name.startsWith(`${first} `));
  const rows = family.map(([name, { summary }]) => [name, summary] as const);
  return [
    `Usage: slipway ${first} <command> [options]`,
    writeRows(rows, width),
    `slipway ${first} <command> --help explains one of them.`,
  ].join('\n\n');
}

function describeArgument([name, { summary, choices }]: readonly [string, Argument]) {
  return [`<${name}>`, summary + listChoices(choices)] as const;
}

export function describeOption([name, option]: readonly [string, Option]) {
  const { summary } = option;
  if (option.type === 'flag')
    return [name === 'help' ? '-h, --help' : `--${name}`, summary] as const;
  const without = option.type === 'value' ? option.without : undefined;
  const value = without === undefined ? `<${option.value}>` : `[${option.value}]`;
  const many = option.type === 'list' ? '; may be given several times' : '';
  return [`--${name} ${value}`, summary + listChoices(option.choices) + many] as const;
}

function listChoices(choices: readonly string[] | undefined): string {
  return choices ? `: ${choices.join(', ')}` : '';
}

function writeExamples({ examples }: Command, width: number): string {
  return examples
    .map(([command, does]) => `${indent}slipway ${command}\n${wrap(does, width, indent + indent)}`)
    .join('\n');
}

/** Two columns, the second one broken between its words. */
function writeRows(rows: readonly (readonly [string, string])[], width: number): string {
  const first = Math.max(...rows.map(([name]) => name.length));
  const hanging = ' '.repeat(indent.length + first + between);
  return rows
    .map(([name, text]) => {
      const lines = wrap(text, width, hanging);
      return indent + name.padEnd(first + between) + lines.trimStart();
    })
    .join('\n');
}

/** Breaks plain words; each line begins with the indent. */
function wrap(text: string, width: number, before: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line === '') lines[lines.length - 1] = word;
    else if (before.length + line.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${line} ${word}`;
    } else lines.push(word);
  }
  return lines.map((line) => before + line).join('\n');
}
