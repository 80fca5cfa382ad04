import { describe, expect, test } from 'vitest';
import { excerptAt, indexOfCharacter, positionAt } from '../../src/postgres/sql/text-position.ts';

describe('a position', () => {
  test('counts lines and characters, however many bytes they have', () => {
    const text = "select 1;\r\n-- größe 😀\r\nselect '😀', oops";
    expect(positionAt(text, text.indexOf('oops'))).toEqual({ line: 3, column: 13 });
  });

  test('of PostgreSQL counts whole characters', () => {
    const text = "select '😀😀', oops";
    expect(text.slice(indexOfCharacter(text, 14))).toBe('oops');
  });
});

describe('an excerpt', () => {
  test('shows the line between its neighbours, with a caret under the place', () => {
    const text = 'one\ntwo\nthree\nfour\nfive\nsix';
    expect(excerptAt(text, text.indexOf('ur'))).toBe(
      ['  2 | two', '  3 | three', '  4 | four', '    |   ^', '  5 | five'].join('\n'),
    );
  });

  test('keeps the caret in place behind tabs and wide characters', () => {
    const text = "\tselect '漢😀e\u0301', oops";
    expect(excerptAt(text, text.indexOf('oops')).split('\n')[1]).toBe(`    | \t${' '.repeat(16)}^`);
  });

  test('shows the part around the place of a very long line', () => {
    const text = `${'x'.repeat(5_000)}!${'y'.repeat(5_000)}`;
    const [line = '', caret = ''] = excerptAt(text, 5_000).split('\n');
    expect(line.length).toBeLessThan(130);
    expect(line[caret.indexOf('^')]).toBe('!');
  });
});
