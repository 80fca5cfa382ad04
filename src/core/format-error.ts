import type { ErrorCode, MigrationPosition, Problem } from './error-codes.ts';
import { BootError } from './errors.ts';
import { toError } from './error-record.ts';

/**
 * Writes an error for people: what happened, to whom, where, and what to do. Takes anything that was thrown.
 *
 * @example
 * console.error(formatBootError(error));
 * // MIGRATION_FAILED: catalog failed to migrate: relation "item" does not exist
 * //   plugin  catalog
 * //   file    0002_prices.sql, statement 2 of 3, line 7, column 13
 * // …
 */
export function formatBootError(thrown: unknown): string {
  const error = toError(thrown);
  if (!(error instanceof BootError)) return `${error.name}: ${error.message}`;
  const blocks = [
    [`${error.code}: ${error.message}`, ...facts(error)].join('\n'),
    error.position?.excerpt === undefined ? '' : indent(error.position.excerpt, '    '),
    ...(error.problems ?? []).map(formatProblem),
    `  → ${error.hint}`,
  ];
  return blocks.filter(Boolean).join('\n\n');
}

function facts(error: BootError): readonly string[] {
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
const fromPlugins = new Set<ErrorCode>(['INIT_FAILED', 'READY_FAILED', 'STOP_FAILED']);

/** Where in the plugin's own code the cause was thrown: the first frame that is neither Node's nor a package's. */
function ownFrame({ code, cause }: BootError): string | undefined {
  if (!fromPlugins.has(code) || !(cause instanceof Error)) return undefined;
  const frames = (cause.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.find((line) => !/node:|node_modules|\(native\)/.test(line));
  return own?.trim().replace(/^at /, '');
}

function place({ position }: BootError): string | undefined {
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
function causes(error: BootError): readonly string[] {
  const messages: string[] = [];
  const said = [error, ...(error.problems ?? [])].map(({ message }) => message).join('\n');
  const seen = new Set<unknown>([error]);
  for (let next = error.cause; next !== undefined && !seen.has(next) && seen.size < 8;) {
    seen.add(next);
    const cause = toError(next);
    if (!said.includes(cause.message)) messages.push(cause.message);
    if (cause instanceof AggregateError) {
      const each = cause.errors.map((one) => toError(one).message);
      messages.push(...each.filter((message) => !said.includes(message)));
    }
    next = cause === next ? cause.cause : undefined;
  }
  return messages;
}

function formatProblem(found: Problem, index: number): string {
  const file = found.file === undefined ? '' : ` (${found.file})`;
  return `  ${index + 1}. ${found.code}: ${found.message}${file}\n     → ${found.hint}`;
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by);
}
