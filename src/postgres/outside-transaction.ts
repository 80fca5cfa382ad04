import type { MigrationDirective } from './migration-directives.ts';
import { lexSql } from './sql-lexer.ts';

/** A command that PostgreSQL runs in no transaction. */
export type LoneCommand =
  | { readonly kind: 'createIndex'; readonly index: string | undefined; readonly table: string }
  | { readonly kind: 'reindex'; readonly what: 'index' | 'table'; readonly name: string }
  | { readonly kind: 'other' };

const part = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;
const name = String.raw`${part}(?:\s*\.\s*${part})?`;

const createIndex = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(?:(?!on\b)(?<index>${part})\s*)?on\s+(?:only\s+)?(?<table>${name})`,
  'i',
);
const reindex = new RegExp(
  String.raw`^reindex\s+(?:\([^)]*\)\s*)?(?<what>index|table)\s+concurrently\s+(?<name>${name})`,
  'i',
);
const others = [
  /^(?:create\s+(?:unique\s+)?|drop\s+)index\s+concurrently\b/i,
  /^reindex\b.*\bconcurrently\b/is,
  /^reindex\s+(?:\([^)]*\)\s*)?(?:schema|database|system)\b/i,
  /^alter\s+table\b.*\bdetach\s+partition\b.*\bconcurrently\b/is,
  /^(?:vacuum|alter\s+system)\b/i,
  /^(?:create|drop|alter)\s+(?:database|tablespace|subscription)\b/i,
];

/** What a file is, as far as transactions go. */
export interface TransactionNeed {
  /** The command that has to run alone, if the file has one. */
  readonly lone: LoneCommand | undefined;
  /** How many commands the file has. */
  readonly commands: number;
}

/**
 * Tells whether a file has to run outside of a transaction: because of a command in it, or because it says so.
 *
 * @example readTransactionNeed('VACUUM items;', new Set()) // { lone: { kind: 'other' }, commands: 1 }
 */
export function readTransactionNeed(
  text: string,
  directives: ReadonlySet<MigrationDirective>,
): TransactionNeed {
  const commands = readCommands(text);
  const lone = commands.map(toLoneCommand).find((found) => found !== undefined);
  const isMarked = directives.has('no-transaction');
  return { lone: lone ?? (isMarked ? { kind: 'other' } : undefined), commands: commands.length };
}

function toLoneCommand(command: string): LoneCommand | undefined {
  const created = createIndex.exec(command)?.groups;
  if (created) {
    return { kind: 'createIndex', index: created['index'], table: created['table'] ?? '' };
  }
  const rebuilt = reindex.exec(command)?.groups;
  if (rebuilt) {
    const what = rebuilt['what']?.toLowerCase() === 'table' ? 'table' : 'index';
    return { kind: 'reindex', what, name: rebuilt['name'] ?? '' };
  }
  return others.some((pattern) => pattern.test(command)) ? { kind: 'other' } : undefined;
}

/** The commands of a file, without comments and with nothing in literals that could be taken for SQL. */
function readCommands(text: string): readonly string[] {
  let code = '';
  for (const { kind, start, end } of lexSql(text)) {
    if (kind === 'code') code += text.slice(start, end);
    else if (kind === 'identifier') code += text.slice(start, end).replaceAll(';', hiddenSemicolon);
    else code += kind === 'breakpoint' ? ';' : ' ';
  }
  return code
    .replaceAll('\uFEFF', ' ')
    .split(';')
    .map((command) => command.replaceAll(hiddenSemicolon, ';').trim())
    .filter((command) => command !== '');
}

/** Stands for a semicolon that is part of a quoted name; PostgreSQL has no such character. */
const hiddenSemicolon = '\0';
