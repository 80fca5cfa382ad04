import type { MigrationPosition, Problem } from './error-codes.ts';
import { isLikeBootError, toErrorRecord, type ErrorRecord } from './error-record.ts';
import { isError } from './foreign-value.ts';
import { printable } from './printable.ts';

/**
 * Writes an error for people: what happened, in which plugin, where, and what to do. Takes anything that was thrown, also a
 * BootError of another copy of the package. Control characters are written out, so that a terminal does not execute them.
 *
 * @example
 * console.error(formatBootError(error));
 * // MIGRATION_FAILED: catalog failed to migrate: relation "item" does not exist
 * //   plugin  catalog
 * //   file    0002_prices.sql, statement 2 of 3, line 7, column 13
 * // …
 */
export function formatBootError(thrown: unknown): string {
  const error = toErrorRecord(thrown);
  if (!isLikeBootError(thrown)) {
    return printable(`${isError(thrown) ? error.name : 'Error'}: ${error.message}`);
  }
  const blocks = [
    [`${error.code}: ${error.message}`, ...facts(error)].join('\n'),
    error.position?.excerpt === undefined ? '' : indent(error.position.excerpt, '    '),
    ...(error.problems ?? []).map(formatProblem),
    `  → ${error.hint}`,
  ];
  return printable(blocks.filter(Boolean).join('\n\n'));
}

function facts(error: ErrorRecord): readonly string[] {
  return listErrorFacts(error).map(
    ([name, value]) => `  ${name.padEnd(10)}${indent(value, ' '.repeat(12)).trimStart()}`,
  );
}

/** Lists where an error happened and by what, each fact with its name. */
export function listErrorFacts(error: ErrorRecord): readonly (readonly [string, string])[] {
  const known = [
    ['plugin', error.plugin],
    ['phase', error.phase],
    ['file', place(error)],
    ['state', error.database?.sqlState],
    ['detail', error.database?.detail],
    ['postgres', error.database?.hint],
    ...causes(error).map((message) => ['cause', message] as const),
    ['thrown at', ownFrame(error)],
  ] as const;
  return known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/** The codes whose cause comes from the user's own code. */
const fromUsers = new Set(['INIT_FAILED', 'READY_FAILED', 'STOP_FAILED', 'CONFIG_INVALID']);

/** Finds where the user's own code threw: the first frame that is neither Node's nor a package's. */
function ownFrame({ code = '', cause }: ErrorRecord): string | undefined {
  if (!fromUsers.has(code)) return undefined;
  const frames = (cause?.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.find((line) => !/node:|node_modules|\(native\)/.test(line));
  return own?.trim().replace(/^at /, '');
}

function place({ position }: ErrorRecord): string | undefined {
  if (!position) return undefined;
  const { file, line, column } = position;
  return [
    file,
    ...describeStatement(position),
    ...(line === undefined ? [] : [`line ${line}, column ${column}`]),
  ].join(', ');
}

/** `statement 2 of 3`; for a function the total is unknown. */
export function describeStatement({ statement, statements }: MigrationPosition): readonly string[] {
  if (statement === undefined) return [];
  return [`statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`];
}

/** Lists the chain of causes, without texts that are already in the message or in a problem. */
function causes(error: ErrorRecord): readonly string[] {
  const said = [error, ...(error.problems ?? [])].map(({ message }) => message).join('\n');
  const messages: string[] = [];
  for (let next = error.cause; next; next = next.cause) {
    messages.push(next.message, ...(next.errors ?? []).map(({ message }) => message));
  }
  // A text in a message has already been made printable.
  return messages.filter((message) => !said.includes(printable(message)));
}

function formatProblem(found: Problem, index: number): string {
  const file = found.file === undefined ? '' : ` (${found.file})`;
  return `  ${index + 1}. ${found.code}: ${found.message}${file}\n     → ${found.hint}`;
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by);
}
