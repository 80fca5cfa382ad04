import { expect, test } from 'vitest';
import { schemaEdits } from '../../src/postgres/sql/schema-commands.ts';
import { applyEdits } from '../../src/postgres/sql/sql-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const edit = (sql: string): string =>
  applyEdits(sql, schemaEdits(new SqlText(sql), ['reporting', 'Audit "log"'])).text;

test.each([
  ['CREATE SCHEMA "reporting";', 'CREATE SCHEMA IF NOT EXISTS "reporting";'],
  ['-- first\ncreate  schema\nReporting', '-- first\ncreate  schema IF NOT EXISTS\nReporting'],
  ['CREATE SCHEMA "Audit ""log""";', 'CREATE SCHEMA IF NOT EXISTS "Audit ""log""";'],
  [
    'create schema reporting authorization joe; create table reporting.t ();',
    'create schema IF NOT EXISTS reporting authorization joe; create table reporting.t ();',
  ],
])('%s gets IF NOT EXISTS', (sql, edited) => {
  expect(edit(sql)).toBe(edited);
});

test.each([
  [`COMMENT ON SCHEMA reporting IS 'by Joe';`, ';'],
  [`COMMENT ON SCHEMA other IS 'by Joe';`, `COMMENT ON SCHEMA other IS 'by Joe';`],
])('%s does not erase the mark of the owner', (sql, edited) => {
  expect(edit(sql)).toBe(edited);
});

test.each([
  'CREATE SCHEMA IF NOT EXISTS reporting;',
  'CREATE SCHEMA other;',
  'CREATE SCHEMA "Reporting";',
  'CREATE SCHEMA reporting CREATE TABLE t ();',
  'CREATE SCHEMA AUTHORIZATION reporting;',
  `SELECT 'CREATE SCHEMA reporting'; -- CREATE SCHEMA reporting`,
  'DROP SCHEMA reporting;',
])('%s stays as it is', (sql) => {
  expect(edit(sql)).toBe(sql);
});
