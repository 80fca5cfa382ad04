import { lexSql } from './sql-lexer.ts';

const part = String.raw`(?:"(?:[^"]|"")*"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`;

/** Patterns of names in {@link readCommands}' form. */
export const namePart = part;
export const qualifiedName = String.raw`${part}(?:\s*\.\s*${part})?`;

/**
 * The commands of a text, each in a form that patterns can read: folded to lower case except for quoted names, without
 * comments, and with every literal empty, so that nothing in it could be taken for SQL.
 *
 * @example readCommands(`DROP TABLE "A"; -- gone\nSELECT 'x; y'`) // ['drop table "A"', `select ''`]
 */
export function readCommands(text: string): readonly string[] {
  const commands: string[] = [];
  let command = '';
  // Inside BEGIN ATOMIC … END a semicolon ends no command.
  let depth = 0;
  const end = (): void => {
    if (command.trim() !== '') commands.push(command.trim());
    command = '';
    depth = 0;
  };
  for (const { kind, start, end: stop } of lexSql(text)) {
    if (kind === 'code') {
      const code = text.slice(start, stop).toLowerCase().replaceAll(/\s+/g, ' ');
      for (const [piece] of code.matchAll(codePiece)) {
        if (piece.startsWith('begin ') || (depth > 0 && piece === 'case')) depth += 1;
        else if (depth > 0 && piece === 'end') depth -= 1;
        if (piece === ';' && depth === 0) end();
        else command += piece;
      }
    } else if (kind === 'identifier') command += text.slice(start, stop);
    else if (kind === 'breakpoint') end();
    else command += kind === 'comment' ? ' ' : `''`;
  }
  end();
  return commands;
}

const codePiece = /begin atomic\b|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|;|[^;a-z_\u0080-\uffff]+/g;

/** Splits at the commas that stand in no parentheses. */
export function splitList(text: string): readonly string[] {
  const items: string[] = [];
  let item = '';
  let depth = 0;
  for (const [piece] of text.matchAll(/"(?:[^"]|"")*"|[^"]/gs)) {
    if (piece === '(') depth += 1;
    if (piece === ')') depth -= 1;
    if (piece === ',' && depth === 0) {
      items.push(item.trim());
      item = '';
    } else item += piece;
  }
  return [...items, item.trim()];
}

/** The parts of a name as PostgreSQL keeps them. */
export function partsOfName(name: string): readonly string[] {
  return [...name.matchAll(new RegExp(part, 'g'))].map(([each]) =>
    each.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : each,
  );
}
