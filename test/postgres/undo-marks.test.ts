import { expect, test } from 'vitest';
import { findUndoMark } from '../../src/postgres/sql/file-marks.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const up = 'create table a ();\n';
const down = '\ndrop table a;\n';

test.each([
  ['goose', '-- +goose Up', '-- +goose Down'],
  ['goose', '-- +goose up', '-- +goose down'],
  ['sql-migrate', '-- +migrate Up', '-- +migrate Down'],
  ['dbmate', '-- migrate:up', '-- migrate:down'],
  ['dbmate', '-- migrate:up transaction:false', '-- migrate:down transaction:false'],
  ['node-pg-migrate', '-- Up Migration', '-- Down Migration'],
  ['node-pg-migrate', '--- up  migration', '  -- - DOWN  MIGRATION'],
  ['tern', '', '---- create above / drop below ----'],
  ['MyBatis Migrations', '-- // add a', '-- //@UNDO'],
  ['MyBatis Migrations', '--// add a', '--//@undo'],
  ['rambler', '-- rambler up', '-- rambler down'],
  ['Sqitch', '', '-- Revert shop:a from pg'],
])('%s begins its way down with its mark (%s, %s)', (tool, before, mark) => {
  expect(findUndoMark(new SqlText(`${before}\n${up}${mark}${down}`))).toEqual({
    tool,
    mark: mark.trim(),
    line: 3,
    column: mark.indexOf('-') + 1,
  });
  expect(findUndoMark(new SqlText(`${before}\r\n${up}${mark}\r\n${down}`))).toMatchObject({
    tool,
    line: 3,
  });
});

test.each([
  ['with nothing behind it', `${up}-- +goose Down\n`],
  ['with remarks behind it', `${up}-- Down Migration\n-- drop table a;\n/* none */\n`],
  ['in a literal', `insert into a values ('\n-- +goose Down\n'); ${up}`],
  ['in the body of a function', `do $$\n-- migrate:down\nbegin end $$; ${up}`],
  ['in a block comment', `/*\n-- +migrate Down\n*/ ${up}`],
  ['behind a statement', `${up.trim()} -- Down Migration\n${up}`],
  ['that is another word', `-- migrate:downtown\n-- we go down: migration\n${up}`],
])('no mark is one %s', (_, text) => {
  expect(findUndoMark(new SqlText(text))).toBeUndefined();
});
