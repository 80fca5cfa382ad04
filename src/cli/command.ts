import type { Output } from './output.ts';
import type { ExitCode } from './exit-codes.ts';

/** An option that is there or not. */
export interface Flag {
  readonly type: 'flag';
  readonly summary: string;
}

/** An option with a value. */
export interface ValueOption {
  readonly type: 'value';
  /** The name of its value in the help: `path`. */
  readonly value: string;
  readonly summary: string;
  /** The values that are allowed; left out when any is. */
  readonly choices?: readonly string[];
  /** The value of an option that is written without one. */
  readonly without?: string;
}

/** An option that may be given several times. */
export interface ListOption extends Omit<ValueOption, 'type' | 'without'> {
  readonly type: 'list';
}

export type Option = Flag | ValueOption | ListOption;

/** What is given by its place behind the command. */
export interface Argument {
  readonly summary: string;
  readonly isOptional?: true;
  readonly choices?: readonly string[];
}

/** The titles of the help, in its order. */
export const groups = {
  before: 'Before a boot',
  boot: 'Boot',
  questions: 'Questions about a boot',
  repair: 'Repair',
  setup: 'Set up',
} as const;

/** A command of the program: from this come its help, its page, the completion and the check of its arguments. */
export interface Command {
  readonly group: keyof typeof groups;
  /** One line that begins with a verb. */
  readonly summary: string;
  /** More about it: paragraphs for its help and its page. */
  readonly details?: readonly string[];
  /** In their order; an optional one has none but optional ones behind it. */
  readonly arguments: Readonly<Record<string, Argument>>;
  readonly options: Readonly<Record<string, Option>>;
  /** Arguments behind the name of the program, each with what it does. */
  readonly examples: readonly (readonly [command: string, does: string])[];
  /** The exit codes that it has besides 0 and 2. */
  readonly exitCodes: readonly ExitCode[];
}

type ArgumentValue<A extends Argument> = A extends { readonly isOptional: true }
  ? string | undefined
  : string;

type OptionValue<O extends Option> = O extends Flag
  ? boolean
  : O extends ListOption
    ? readonly string[]
    : string | undefined;

/** The checked arguments of a call of a command. */
export interface Input<C extends Pick<Command, 'arguments' | 'options'> = Command> {
  readonly arguments: {
    readonly [Name in keyof C['arguments']]: ArgumentValue<C['arguments'][Name]>;
  };
  readonly options: { readonly [Name in keyof C['options']]: OptionValue<C['options'][Name]> };
  readonly output: Output;
}

/** Carries a command out. Returns its exit code; nothing is 0. What it throws is printed at the very end. */
export type Run<C extends Command> = (input: Input<C>) => Promise<ExitCode | void>;
