import { expect, test } from 'vitest';
import type { Problem } from '../../src/core/error-codes.ts';
import type { SqlMigration } from '../../src/postgres/sources/migration.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { findUnavailableExtensions } from '../../src/postgres/survey/extension-problems.ts';
import {
  findEmptyFiles,
  findFilePaths,
  findFileProblems,
  findPsqlProblems,
} from '../../src/postgres/survey/file-problems.ts';
import { findHistoryEdits } from '../../src/postgres/survey/history-edits.ts';
import { toPlugin } from './migration-fixture.ts';

/** Finds all that can be known of one pending file before it runs. */
function findProblems(text: string): readonly Problem[] {
  const file: SqlMigration = {
    name: '0001.sql',
    historyName: '0001',
    when: 1,
    hash: '',
    format: '0.x',
    sql: new SqlText(text),
  };
  const plugin = { ...toPlugin('shop', [file]), pending: [file] };
  const edits = findHistoryEdits(plugin);
  return [
    ...findFileProblems(plugin, true),
    ...findFileProblems(plugin, false),
    ...findPsqlProblems(plugin),
    ...findEmptyFiles(plugin),
    ...findFilePaths(plugin, [], plugin.pending),
    ...edits.problems,
    ...edits.warnings,
    ...findUnavailableExtensions(plugin, [{ name: 'vector', version: null, versions: [] }]),
  ];
}

test.each([
  ['CREATE TABLE a ();\n\n  COMMIT;', 'MIGRATION_TRANSACTION_CONTROL', 3, 3],
  ['SELECT 1;\r\nSELECT pg_advisory_unlock_all()', 'MIGRATION_TRANSACTION_CONTROL', 2, 8],
  ["SELECT '👍'; LISTEN news;", 'POOLER_UNSUPPORTED', 1, 13],
  ['CREATE TABLE a ();\n\\connect app', 'MIGRATION_FILES_INVALID', 2, 1],
  [
    '-- +goose Up\nCREATE TABLE a ();\n -- +goose Down\nDROP TABLE a;',
    'MIGRATION_FILES_INVALID',
    3,
    2,
  ],
  ['SELECT 1;\n  -- slipway: allow-outsid', 'MIGRATION_FILES_INVALID', 2, 3],
  ['CREATE TABLE a ();\n VACUUM a;', 'MIGRATION_MIXED_TRANSACTION', 2, 2],
  ['-- fast\nCREATE INDEX CONCURRENTLY ON a (id)', 'MIGRATION_FILES_INVALID', 2, 1],
  [
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql\n  SET search_path = 'other' AS 'SELECT 1'",
    'MIGRATION_FUNCTION_PATH',
    2,
    3,
  ],
  ['SELECT 1;\nDELETE FROM __drizzle_migrations;', 'MIGRATION_EDITS_HISTORY', 2, 1],
  ['SELECT 1;\n  CREATE EXTENSION vector;', 'EXTENSION_UNAVAILABLE', 2, 3],
])('%j: its place is more than a part of the message', (text, code, line, column) => {
  const found = findProblems(text);
  expect(found).toContainEqual(expect.objectContaining({ code, file: '0001.sql', line, column }));
});

test('a problem of a whole file has no line', () => {
  const [empty] = findProblems('-- later');
  expect(empty).toMatchObject({ file: '0001.sql' });
  expect(empty).not.toHaveProperty('line');
  const [pooled] = findProblems('-- slipway: no-transaction\nSELECT 1; SELECT 2;');
  expect(pooled?.code).toBe('POOLER_UNSUPPORTED');
  expect(pooled).not.toHaveProperty('line');
});
