import { readPosition } from '../connection/connection-error.ts';
import type { LongQuery } from '../connection/long-query.ts';
import type { ByteSource } from '../sql/byte-source.ts';
import type { LongPart, LongSql } from '../sql/long-text.ts';
import { SentCommand } from '../sql/sent-command.ts';
import { applyEdits, type RewrittenSql, type SqlEdit } from '../sql/sql-edits.ts';
import { SqlText } from '../sql/sql-text.ts';
import { advance, type TextPosition } from '../sql/text-position.ts';
import type { FileStatement, PreparedFile } from './migrating.ts';

type FindEdits = (sql: SqlText) => readonly SqlEdit[];

/**
 * Makes a function that sends a long file part by part. Several commands make one part, with semicolons in place of Drizzle's
 * breakpoints: a file of data has millions of commands, and a round trip for each would take longer than the commands.
 *
 * @param findEdits Finds the edits of a part.
 */
export function createPartSender(sql: LongSql, findEdits: FindEdits): PreparedFile['sendEach'] {
  return (send) =>
    sql.open(async (source) => {
      const count = sql.parts.length;
      for (const [index, part] of sql.parts.entries()) {
        const base = { number: index + 1, count, line: part.codePlace.line };
        const { command, isLeftOpen } = part;
        const content = part.isLong
          ? await readLongPart(source, part, findEdits)
          : readShortPart(source, part, findEdits);
        const { findPlace, ...rest } = content;
        await send({ ...base, command, isLeftOpen, ...rest }).catch(async (error: unknown) => {
          // Now, while the file is still open.
          await findPlace?.(readPosition(error)).catch(() => undefined);
          throw error;
        });
      }
    });
}

interface Content extends Pick<FileStatement, 'query' | 'sql' | 'origin' | 'long'> {
  /** Looks for the character at PostgreSQL's position. Called before `origin`. */
  readonly findPlace?: (position: number) => Promise<void>;
}

function readShortPart(source: ByteSource, part: LongPart, findEdits: FindEdits): Content {
  const text = source.read(part.start, part.end).toString('utf8');
  const sql = new SqlText(text);
  const edited = joinStatements(sql, findEdits(sql));
  const long: LongQuery = { text: edited.text };
  return {
    long,
    query: { text: edited.text },
    sql,
    origin: (at) => ({
      text,
      place: part.place,
      index: at === undefined ? (sql.commands[long.ran ?? 0]?.start ?? 0) : edited.toOriginal(at),
    }),
  };
}

/** Puts a semicolon between statements, on a line of its own: one may end in a comment, and one before a breakpoint needs none. */
function joinStatements(sql: SqlText, edits: readonly SqlEdit[]): RewrittenSql {
  let end = 0;
  const gaps = sql.statements.map(({ offset, text }): SqlEdit => {
    const gap = { start: end, end: offset, replacement: end === 0 ? '' : '\n;\n' };
    end = offset + text.length;
    return gap;
  });
  const rest = { start: end, end: sql.text.length, replacement: '' };
  return applyEdits(sql.text, [...gaps, rest, ...edits]);
}

async function readLongPart(
  source: ByteSource,
  part: LongPart,
  findEdits: FindEdits,
): Promise<Content> {
  const command = await SentCommand.read(source, part, findEdits);
  const { size, beginning: text } = command;
  const pieces = {
    size,
    read: async function* (): AsyncGenerator<Buffer, void> {
      for await (const together of command.pieces()) {
        yield Buffer.concat(together.map(({ bytes }) => bytes));
      }
    },
  };
  let found = { text, index: 0, place: part.place };
  return {
    long: { text, pieces },
    query: { text },
    sql: new SqlText(text),
    findPlace: async (position) => {
      found = (await findCharacter(command, position, part.place)) ?? found;
    },
    origin: () => found,
  };
}

/** Finds a character by PostgreSQL's position, which counts from 1 in what was sent. */
async function findCharacter(
  command: SentCommand,
  position: number,
  start: TextPosition,
): Promise<
  { readonly text: string; readonly index: number; readonly place: TextPosition } | undefined
> {
  if (position === 0) return undefined;
  let left = position - 1;
  let place = start;
  for await (const pieces of command.pieces()) {
    for (const { bytes, isReplacement } of pieces) {
      const text = bytes.toString('utf8');
      let index = 0;
      for (; left > 0 && index < text.length; left -= 1) {
        index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
      }
      if (index < text.length && !isReplacement) return { text, index, place };
      if (!isReplacement) place = advance(place, text);
    }
  }
  return undefined;
}
