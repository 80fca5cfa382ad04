import type { SqlText } from './sql-text.ts';
import type { TextPosition } from './text-position.ts';

/** A line `-- slipway: replaces 0000_init..0099_last`: the file stands for these, which its folder no longer has. */
export interface ReplacesLine extends TextPosition {
  /** Everything behind `replaces`. */
  readonly names: string;
  /** Whether no SQL is in front of it. */
  readonly isAtBeginning: boolean;
}

const directive = /^--\s*slipway:\s*replaces(?:\s+(.*?))?\s*$/i;

/** A quick question, asked of every file: nearly none has such a line. */
export const mayReplace = /slipway:\s*replaces\b/i;

/** Whether this is a `replaces` among the words behind `-- slipway:`. */
export function isReplaces(word: string): boolean {
  return /^replaces\b/i.test(word);
}

/**
 * Reads the lines by which a file replaces others.
 *
 * @example readReplacesLines(new SqlText('-- slipway: replaces a..b\nSELECT 1;'))[0].names // 'a..b'
 */
export function readReplacesLines(sql: SqlText): readonly ReplacesLine[] {
  if (!mayReplace.test(sql.text)) return [];
  const [command] = sql.commands;
  const firstSql = command ? command.start + command.code.search(/\S/) : sql.text.length;
  return sql.comments.flatMap(({ start, end }) => {
    const found = directive.exec(sql.text.slice(start, end));
    if (!found) return [];
    const isAtBeginning = start < firstSql;
    return [{ names: found[1] ?? '', isAtBeginning, ...sql.positionAt(start) }];
  });
}
