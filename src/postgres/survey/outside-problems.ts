import { problem, type Problem } from '../../core/error-codes.ts';
import type { SqlMigration } from '../sources/migration.ts';
import { listCommands, readWay } from '../sql/file-commands.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { findLoneCommand, readLoneCommand } from '../sql/lone-commands.ts';
import { LongSql } from '../sql/long-text.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** What a file may get wrong that runs outside of a transaction, command by command. */
export function findOutsideProblem(id: string, file: SqlMigration): Problem | undefined {
  const { sql } = file;
  const isMarked = readDirectives(sql).known.has('no-transaction');
  if (!isMarked && findLoneCommand(sql) === undefined) return undefined;
  const isMixed = sql.commands.some(
    (command) => !readLoneCommand(command) && readWay(command) !== 'session',
  );
  if (isMixed && !isMarked) return mixedFile(id, file);
  const nameless = namelessIndex(id, file);
  if (nameless || sql.commandCount < 2) return nameless;
  return sql instanceof LongSql ? longFile(id, file) : findTied(id, file);
}

function mixedFile(id: string, { name: file, sql }: SqlMigration): Problem {
  const message = `${id}: ${file} has a command that cannot run in a transaction among its ${sql.commandCount} commands`;
  const lone = sql.commands.find((command) => readLoneCommand(command) !== undefined);
  const place = lone ? sql.positionAt(lone.start) : {};
  return problem('MIGRATION_MIXED_TRANSACTION', message, { plugin: id, file, ...place });
}

function namelessIndex(id: string, { name: file, sql }: SqlMigration): Problem | undefined {
  const nameless = sql.commands.find((command) => {
    const lone = readLoneCommand(command);
    return lone?.kind === 'createIndex' && lone.index === undefined;
  });
  if (!nameless) return undefined;
  const message = `${id}: ${file} makes an index CONCURRENTLY that has no name`;
  const hint = 'Give it one: after a crash Slipway looks by its name for what is left of it.';
  const about = { plugin: id, file, ...sql.positionAt(nameless.start), hint };
  return problem('MIGRATION_FILES_INVALID', message, about);
}

/** A long file is sent in parts, of which each is a transaction. */
function longFile(id: string, { name: file, sql }: SqlMigration): Problem {
  const message = `${id}: ${file} is longer than 1 MB, and has ${sql.commandCount} commands to run outside of a transaction`;
  const hint =
    'Put its data into a file of its own that runs in a transaction. Outside of one, a file of this length may have one command.';
  return problem('MIGRATION_MIXED_TRANSACTION', message, { plugin: id, file, hint });
}

/** Commands whose effect ends with their transaction or their session, in which the commands behind them may not run. */
const tied: readonly (readonly [RegExp, string])[] = [
  [
    /^set\s+(?:local|constraints|transaction)\b/i,
    'Write SET without LOCAL. It is sent again when the file goes on in another session.',
  ],
  [
    /^(?:create\s+(?:(?:global|local)\s+)?temp(?:orary)?\b|select\b.*\binto\s+(?:(?:local|global)\s+)?temp(?:orary)?\b)/is,
    'Use a table of the schema, and drop it at the end.',
  ],
  [/^(?:prepare|declare|listen|load|lock)\b/i, 'Remove it from the file.'],
];

function findTied(id: string, { name: file, sql }: SqlMigration): Problem | undefined {
  for (const { code, start } of sql.commands) {
    const [, hint] = tied.find(([pattern]) => pattern.test(code)) ?? [];
    if (hint === undefined) continue;
    const { line, column } = sql.positionAt(start);
    const command = code.split(/\s+/, 2).join(' ').toUpperCase();
    const message = `${id}: line ${line} of ${file} has ${command}, which ends before the commands behind it run: each runs by itself`;
    return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
  }
  return findJoined(id, file, sql);
}

/** Where a body of `BEGIN ATOMIC … END` ends, its text alone does not say. */
function findJoined(id: string, file: string, sql: SqlText): Problem | undefined {
  const joined = listCommands(sql).find(({ commands }) => commands.length > 1);
  if (!joined) return undefined;
  const { line, column } = sql.positionAt(joined.codeOffset);
  const message = `${id}: line ${line} of ${file} begins a body of BEGIN ATOMIC, whose end Slipway cannot tell from its text`;
  const hint = 'Put the line "--> statement-breakpoint" behind it.';
  return problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint });
}
