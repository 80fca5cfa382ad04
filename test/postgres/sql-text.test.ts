import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breakpointMark, lexSql } from '../../src/postgres/sql/sql-lexer.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const texts = (sql: string): readonly string[] =>
  new SqlText(sql).statements.map(({ text }) => text);

/** What puts the lexer into every state, and out of it. */
const pieces = Array.from('\'"\n\\Ex ;é😀').concat(
  '$$',
  '$a$',
  'a$b$',
  '--',
  '/*',
  '*/',
  breakpointMark,
);
const sqlText = fc
  .array(fc.constantFrom(...pieces), { maxLength: 40 })
  .map((chosen) => chosen.join(''));

describe('breakpoints', () => {
  test('separate statements, wherever they stand on a line', () => {
    expect(
      texts('select 1;--> statement-breakpoint\nselect 2;\n--> statement-breakpoint select 3'),
    ).toEqual(['select 1;', 'select 2;', 'select 3']);
  });

  test.each([
    ['a string', `select 'a ${breakpointMark} b'`],
    ['a string with a doubled quote', `select 'it''s ${breakpointMark} b'`],
    ['a string that ends in a backslash', String.raw`select '\', '${breakpointMark}'`],
    ['an escape string', String.raw`select E'it\'s ${breakpointMark} b'`],
    ['a quoted name', `select 1 as "a ${breakpointMark} ""b"`],
    ['a dollar quote', `do $$ begin ${breakpointMark} end $$`],
    ['a dollar quote with a tag', `do $fn$ a $$ ${breakpointMark} $$ $fn$`],
    ['a block comment', `select 1 /* a /* nested */ ${breakpointMark} */`],
    ['a line comment', `select 1 -- not here: ${breakpointMark}`],
  ])('inside %s separate nothing', (_, sql) => {
    expect(texts(`${sql}\n${breakpointMark}\nselect 2`)).toEqual([sql, 'select 2']);
  });

  test('separate after a name that only looks like a dollar quote', () => {
    expect(texts(`select a$b$ ${breakpointMark} select c$b$`)).toEqual([
      'select a$b$',
      'select c$b$',
    ]);
  });
});

describe('statements', () => {
  test('without any SQL are left out, also when they hold comments', () => {
    expect(texts(`-- Custom migration\n${breakpointMark}\n \n${breakpointMark}/* x */`)).toEqual(
      [],
    );
  });

  test('know where they and their first SQL stand in the file', () => {
    const sql = `\uFEFF  -- why\n  select 1;${breakpointMark}\n\nselect 2`;
    expect(new SqlText(sql).statements).toMatchObject([
      { text: '-- why\n  select 1;', offset: 3, codeOffset: sql.indexOf('select 1') },
      { text: 'select 2', offset: sql.indexOf('select 2'), codeOffset: sql.indexOf('select 2') },
    ]);
  });

  test('lose nothing of the file but breakpoints, comments and white space', () => {
    fc.assert(
      fc.property(sqlText, (sql) => {
        const { statements } = new SqlText(sql);
        let end = 0;
        for (const { text, offset, codeOffset } of statements) {
          expect(sql.slice(offset, offset + text.length)).toBe(text);
          expect(codeOffset).toBeGreaterThanOrEqual(offset);
          expect(codeOf(sql.slice(end, offset))).toBe('');
          end = offset + text.length;
        }
        expect(codeOf(sql.slice(end))).toBe('');
      }),
      { numRuns: 2_000 },
    );
  });

  test('are split once: splitting one again gives the same one', () => {
    fc.assert(
      fc.property(sqlText, (sql) => {
        for (const { text } of new SqlText(sql).statements) expect(texts(text)).toEqual([text]);
      }),
      { numRuns: 2_000 },
    );
  });
});

test('the tokens of a text are the whole text, in order', () => {
  fc.assert(
    fc.property(sqlText, (sql) => {
      const tokens = [...lexSql(sql)];
      expect(tokens.map(({ start, end }) => sql.slice(start, end)).join('')).toBe(sql);
      for (const { start, end } of tokens) expect(end).toBeGreaterThan(start);
    }),
    { numRuns: 2_000 },
  );
});

/** What of a text PostgreSQL would see. */
function codeOf(sql: string): string {
  return [...lexSql(sql)]
    .filter(({ kind }) => kind !== 'comment' && kind !== 'breakpoint')
    .map(({ start, end }) => sql.slice(start, end))
    .join('')
    .trim();
}
