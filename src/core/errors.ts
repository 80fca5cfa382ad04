import {
  errorCodes,
  type DatabaseFault,
  type ErrorCode,
  type MigrationPosition,
  type Problem,
} from './error-codes.ts';
import { toCause } from './error-record.ts';
import { isInstance, isRecord, readText, trust } from './foreign-value.ts';
import { cutText, listNames, printable } from './printable.ts';
import type { BootReport } from './report.ts';
import type { Phase } from './steps.ts';

interface BootErrorFacts {
  readonly plugin?: string | undefined;
  readonly phase?: Phase | undefined;
  readonly hint?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  readonly position?: MigrationPosition | undefined;
  readonly database?: DatabaseFault | undefined;
  readonly cause?: unknown;
}

/**
 * The one error class of Slipway: what happened (`code`, `message`), to whom (`plugin`, `phase`, `position`),
 * why (`cause`, `database`, `problems`) and what to do (`hint`).
 *
 * @example
 * try { await boot.start(); } catch (error) {
 *   if (error instanceof BootError) console.error(formatBootError(error));
 * }
 */
export class BootError extends Error {
  override readonly name = 'BootError';
  readonly code: ErrorCode;
  readonly hint: string;
  declare readonly plugin?: string;
  declare readonly phase?: Phase;
  declare readonly problems?: readonly Problem[];
  declare readonly position?: MigrationPosition;
  declare readonly database?: DatabaseFault;
  /** The report of the boot that this error ended. */
  declare report?: BootReport;

  constructor(code: ErrorCode, message: string, facts: BootErrorFacts = {}) {
    super(forPeople(message), facts.cause === undefined ? {} : { cause: toCause(facts.cause) });
    trust(this);
    this.code = code;
    this.hint = forPeople(facts.hint ?? errorCodes[code].hint);
    if (facts.plugin !== undefined) this.plugin = facts.plugin;
    if (facts.phase !== undefined) this.phase = facts.phase;
    if (facts.problems !== undefined) this.problems = facts.problems;
    if (facts.position !== undefined) this.position = facts.position;
    if (facts.database !== undefined) this.database = eachForPeople(facts.database);
  }
}

/** Texts of other programs stand in messages: they may be long, and made for a terminal. */
function forPeople(text: string): string {
  return printable(cutText(text));
}

function eachForPeople(fault: DatabaseFault): DatabaseFault {
  return Object.fromEntries(
    Object.entries(fault).map(([name, text]: [string, string]) => [name, forPeople(text)]),
  );
}

/** The value as a BootError of this copy of the package; `undefined` when it is none. */
export function asBootError(thrown: unknown): BootError | undefined {
  return isInstance(thrown, BootError) ? thrown : undefined;
}

/** One error as one of several problems. */
export function toProblem(error: BootError): Problem {
  const { code, message, hint, plugin } = error;
  return { code, message, hint, ...(plugin === undefined ? {} : { plugin }) };
}

/** The error for a problem that turns up alone. */
export function problemError(
  { code, message, hint, plugin, file }: Problem,
  phase: Phase,
): BootError {
  const position = file === undefined ? undefined : { file };
  return new BootError(code, message, { phase, hint, plugin, position });
}

/** The error for a wrong option: `Expected init.concurrency to be an integer from 1 to 64, got 0`. */
export function optionsInvalid(name: string, expected: string, got: unknown): BootError {
  return new BootError('OPTIONS_INVALID', `Expected ${name} to be ${expected}, got ${show(got)}`);
}

/** The same for what is wrong with a plugin. */
export function pluginInvalid(name: string, expected: string, got: unknown): BootError {
  return new BootError('PLUGIN_INVALID', `Expected ${name} to be ${expected}, got ${show(got)}`);
}

/** Writes a value for a message: short, on one line, never throwing. */
export function show(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(cut(value));
    if (typeof value === 'function') return `function ${readText(value, 'name') || '(anonymous)'}`;
    if (isInstance(value, Promise)) return 'a promise';
    if (Array.isArray(value)) return `an array of ${value.length}`;
    if (isRecord(value)) {
      return `an object with ${cut(listNames(Object.keys(value))) || 'no keys'}`;
    }
    return String(value);
  } catch {
    return 'an object that cannot be read';
  }
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
