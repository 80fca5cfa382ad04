import type { MigrationPosition, Problem } from './error-codes.ts';
import { isLikeBootError, toErrorRecord, type ErrorRecord } from './error-record.ts';
import { isError } from './foreign-value.ts';
import { printable } from './printable.ts';

/**
 * Writes an error for people: what happened, to whom, where, and what to do. Takes anything that was thrown, and a BootError
 * also of another copy of the package. Control characters are written out, so that nothing of it moves a terminal.
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
  const said = [
    ['plugin', error.plugin],
    ['phase', error.phase],
    ['file', place(error)],
    ['state', error.database?.sqlState],
    ['detail', error.database?.detail],
    ['postgres', error.database?.hint],
    ...causes(error).map((message) => ['cause', message] as const),
    ['thrown at', ownFrame(error)],
  ] as const;
  return said.flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name.padEnd(10)}${indent(value, ' '.repeat(12)).trimStart()}`],
  );
}

/** Codes whose cause comes out of a plugin's own code. */
const fromPlugins = new Set(['INIT_FAILED', 'READY_FAILED', 'STOP_FAILED']);

/** Where in the plugin's own code the cause was thrown: the first frame that is neither Node's nor a package's. */
function ownFrame({ code = '', cause }: ErrorRecord): string | undefined {
  if (!fromPlugins.has(code)) return undefined;
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

/** `statement 2 of 3`; a function does not know of how many. */
export function describeStatement({ statement, statements }: MigrationPosition): readonly string[] {
  if (statement === undefined) return [];
  return [`statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`];
}

/** The chain of causes, without what the message or a problem already says. */
function causes(error: ErrorRecord): readonly string[] {
  const said = [error, ...(error.problems ?? [])].map(({ message }) => message).join('\n');
  const messages: string[] = [];
  for (let next = error.cause; next; next = next.cause) {
    messages.push(next.message, ...(next.errors ?? []).map(({ message }) => message));
  }
  // What stands in a message was made printable for it.
  return messages.filter((message) => !said.includes(printable(message)));
}

function formatProblem(found: Problem, index: number): string {
  const file = found.file === undefined ? '' : ` (${found.file})`;
  return `  ${index + 1}. ${found.code}: ${found.message}${file}\n     → ${found.hint}`;
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by);
}
