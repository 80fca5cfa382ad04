import type { MigrationDirective } from './migration-directives.ts';
import { namePart as part, qualifiedName as name, readCommands } from './sql-commands.ts';

/** A command that PostgreSQL runs in no transaction. */
export type LoneCommand =
  | { readonly kind: 'createIndex'; readonly index: string | undefined; readonly table: string }
  | { readonly kind: 'reindex'; readonly what: 'index' | 'table'; readonly name: string }
  | { readonly kind: 'other' };

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
interface TransactionNeed {
  /** The command that has to run alone, if the file has one. */
  readonly lone: LoneCommand | undefined;
  /** How many commands the file has; not counted in a file of which none has to run alone. */
  readonly commands: number;
}

/** Words that every command has that runs in no transaction; a text without them need not be read. */
const hasAny = /concurrently|reindex|vacuum|\bsystem\b|\b(?:database|tablespace|subscription)\b/i;

/**
 * Tells whether a file has to run outside of a transaction: because of a command in it, or because it says so.
 *
 * @example readTransactionNeed('VACUUM items;', new Set()) // { lone: { kind: 'other' }, commands: 1 }
 */
export function readTransactionNeed(
  text: string,
  directives: ReadonlySet<MigrationDirective>,
): TransactionNeed {
  const isMarked = directives.has('no-transaction');
  if (!isMarked && !hasAny.test(text)) return { lone: undefined, commands: 0 };
  const commands = readCommands(text);
  const lone = commands.map(toLoneCommand).find((found) => found !== undefined);
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
