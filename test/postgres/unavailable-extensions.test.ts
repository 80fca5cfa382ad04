import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import type { Problem } from '../../src/core/error-codes.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { findExtensionCommands } from '../../src/postgres/sql/extension-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { useDatabase } from '../support/database.ts';
import { pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

/** Looks at a database that has hstore in the schema `ext`. */
async function problemsOf(sql: string): Promise<readonly Problem[]> {
  const fresh = await db.fresh();
  await fresh.query('create schema ext; create extension hstore schema ext');
  const plugin = await pluginWith('a', { '0000_a': sql });
  const { signal } = new AbortController();
  const survey = await withPinnedClient(fresh.pool(), { clock: systemClock, signal }, (client) =>
    takeSurvey(client, [plugin]),
  );
  return survey.problems;
}

describe('an extension that the server does not have is told before anything is changed', () => {
  test.each([
    'create extension vector;',
    'CREATE EXTENSION IF NOT EXISTS "vector" WITH SCHEMA ext;',
    'create extension citext; create extension vector cascade;',
  ])('%s', async (sql) => {
    const problems = await problemsOf(sql);
    expect(problems).toMatchObject([
      {
        code: 'EXTENSION_UNAVAILABLE',
        message: 'a: 0000_a.sql makes the extension vector, which the server does not have',
        plugin: 'a',
        file: '0000_a.sql',
      },
    ]);
    expect(problems[0]?.hint).toMatch(/^The package pgvector is missing where PostgreSQL runs:/);
  });

  test('also when it lacks only the version', async () => {
    const [problem] = await problemsOf(`create extension citext version '9.9';`);
    expect(problem).toMatchObject({
      code: 'EXTENSION_UNAVAILABLE',
      message:
        'a: 0000_a.sql makes the extension citext in version 9.9, which the server does not have',
    });
    expect(problem?.hint).toMatch(/^The server has .*1\.6.*: remove VERSION from 0000_a\.sql/);
  });
});

test.each([
  `create extension citext version '1.6';`,
  // It is installed already, so its version is never looked at.
  `create extension if not exists hstore version '9.9';`,
  'do $$ begin create extension vector; exception when others then null; end $$;',
  `select 'create extension vector';`,
  // What it installs is in no view.
  'create extension pg_tle; create extension mine;',
])('%s is left to PostgreSQL', async (sql) => {
  const problems = await problemsOf(sql);
  expect(problems.filter(({ code }) => code === 'EXTENSION_UNAVAILABLE')).toEqual([]);
});

test.each([
  [`create extension a version '1.0'`, 'a', '1.0'],
  [`create extension "A-b" with schema x version "1.1" cascade`, 'A-b', '1.1'],
  [`create extension a /* version '2' */ version /* 3 */ '4'`, 'a', '4'],
  [`create extension a -- version '2'`, 'a', undefined],
])('%s has its version read', (sql, name, version) => {
  expect(findExtensionCommands(new SqlText(sql))).toMatchObject([
    { name, ...(version && { version }) },
  ]);
  expect(findExtensionCommands(new SqlText(sql))[0]?.version).toBe(version);
});
