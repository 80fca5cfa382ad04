import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Command, Input, Option } from './command.ts';
import { commands, commonOptions, findCommand, type CommandName } from './command-table.ts';
import { UsageError } from './exit-codes.ts';
import { writeUsage } from './help.ts';
import { didYouMean } from '../core/suggest.ts';

/** A call of the program, as it was understood. */
export type Call =
  | { readonly kind: 'help'; readonly command?: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly name: CommandName; readonly input: Omit<Input, 'output'> };

/**
 * Reads the arguments behind the name of the program.
 *
 * @throws UsageError
 */
export function parseArguments(given: readonly string[]): Call {
  const [first = '', second = ''] = given;
  if (first === '' || first === '--help' || first === '-h' || first === 'help') {
    const about = first === 'help' ? given.slice(1).join(' ') : '';
    if (about !== '' && !isKnown(about)) throw unknownCommand(about);
    return about === '' ? { kind: 'help' } : { kind: 'help', command: about };
  }
  if (first === '--version' || first === '-v') return { kind: 'version' };
  if (first.startsWith('-')) {
    throw new UsageError('The command comes first.', 'Usage: slipway <command> [options]');
  }
  const name = [`${first} ${second}`, first].find((each) => findCommand(each) !== undefined);
  if (name === undefined) {
    if (!isKnown(first)) throw unknownCommand(first);
    // A family of commands, such as `repair`.
    if (second === '' || second === '--help' || second === '-h') {
      return { kind: 'help', command: first };
    }
    throw unknownCommand(`${first} ${second}`);
  }
  const command: Command = commands[name as CommandName];
  const rest = given.slice(name.split(' ').length);
  const { values, positionals } = readOptions(rest, name, command);
  if (values['help'] === true) return { kind: 'help', command: name };
  return {
    kind: 'run',
    name: name as CommandName,
    input: {
      arguments: readPositionals(positionals, name, command),
      options: { ...withoutValues(command), ...values },
    },
  };
}

/** Whether it is a command, or the first word of some. */
function isKnown(name: string): boolean {
  return Object.keys(commands).some((each) => each === name || each.startsWith(`${name} `));
}

function unknownCommand(name: string): UsageError {
  const meant = didYouMean(name, Object.keys(commands));
  const question = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  return new UsageError(
    `There is no command "${name}".${question}`,
    'slipway --help lists the commands.',
  );
}

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

function readOptions(
  given: readonly string[],
  name: string,
  command: Command,
): { readonly values: Values; readonly positionals: readonly string[] } {
  const known: Readonly<Record<string, Option>> = { ...command.options, ...commonOptions };
  const { tokens } = parseArgs({
    args: [...addLeftOut(given, known)],
    options: toParseArgs(known),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = known[token.name];
    if (!option) throw unknownOption(token.rawName, name, command, Object.keys(known));
    const value = checkValue(token.rawName, token.value, option, name, command);
    if (option.type === 'list') values[token.name] = [...toList(values[token.name]), String(value)];
    else values[token.name] = value;
  }
  return { values, positionals };
}

/** An option that may stand without a value gets the one that it then has. */
function addLeftOut(
  given: readonly string[],
  known: Readonly<Record<string, Option>>,
): readonly string[] {
  return given.map((each, at) => {
    const option = each.startsWith('--') ? known[each.slice(2)] : undefined;
    if (option?.type !== 'value' || option.without === undefined) return each;
    const next = given[at + 1];
    return next === undefined || next.startsWith('-') ? `${each}=${option.without}` : each;
  });
}

function checkValue(
  rawName: string,
  value: string | undefined,
  option: Option,
  name: string,
  command: Command,
): string | boolean {
  const usage = writeUsage(name, command);
  if (option.type === 'flag') {
    if (value === undefined) return true;
    throw new UsageError(`${rawName} takes no value.`, usage);
  }
  if (value === undefined || (value === '' && option.value !== 'text')) {
    throw new UsageError(`${rawName} needs a value: ${rawName} <${option.value}>.`, usage);
  }
  checkChoice(rawName, value, option.choices, usage);
  return value;
}

function checkChoice(
  what: string,
  value: string,
  choices: readonly string[] | undefined,
  usage: string,
): void {
  if (!choices || choices.includes(value)) return;
  const meant = didYouMean(value, choices);
  const question = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new UsageError(
    `${what} is one of ${choices.join(', ')}, and not "${value}".${question}`,
    usage,
  );
}

function readPositionals(
  given: readonly string[],
  name: string,
  command: Command,
): Readonly<Record<string, string>> {
  const usage = writeUsage(name, command);
  const expected = Object.entries(command.arguments);
  const tooMuch = given[expected.length];
  if (tooMuch !== undefined) {
    throw new UsageError(`${name} takes no argument "${tooMuch}".`, usage);
  }
  const named = expected.flatMap(([argument, { isOptional, choices }], at) => {
    const value = given[at];
    if (value === undefined || value === '') {
      if (isOptional) return [];
      throw new UsageError(`${name} needs <${argument}>.`, usage);
    }
    checkChoice(`<${argument}>`, value, choices, usage);
    return [[argument, value] as const];
  });
  return Object.fromEntries(named);
}

function unknownOption(
  rawName: string,
  name: string,
  command: Command,
  known: readonly string[],
): UsageError {
  const meant = didYouMean(rawName.replace(/^-+/, ''), known);
  const question = meant === undefined ? '' : ` Did you mean "--${meant}"?`;
  return new UsageError(
    `${name} has no option "${rawName}".${question}`,
    writeUsage(name, command),
  );
}

function toParseArgs(
  options: Readonly<Record<string, Option>>,
): NonNullable<ParseArgsConfig['options']> {
  const entries = Object.entries(options).map(([name, { type }]) => {
    const short = name === 'help' ? { short: 'h' } : {};
    return [name, { type: type === 'flag' ? 'boolean' : 'string', ...short }] as const;
  });
  return Object.fromEntries(entries);
}

/** The values of the options that are not given. */
function withoutValues({ options }: Command): Values {
  const all: Readonly<Record<string, Option>> = { ...options, ...commonOptions };
  return Object.fromEntries(
    Object.entries(all).map(([name, { type }]) => [
      name,
      type === 'flag' ? false : type === 'list' ? [] : undefined,
    ]),
  );
}

function toList(value: string | boolean | readonly string[] | undefined): readonly string[] {
  return Array.isArray(value) ? value : [];
}
