import { expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { findPsqlCommand } from '../../src/postgres/sql/refused-commands.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { useDatabase } from '../support/database.ts';
import { pluginWith, takeSurvey } from './migration-fixture.ts';

const db = useDatabase();

test.each([
  ['\\restrict abc\ncreate table t ();', '\\restrict', 1],
  ['create table t ();\n  \\connect app', '\\connect', 2],
  ['select 1 \\gexec', '\\gexec', 1],
  ['copy t from stdin;\n1\n\\.\n', 'COPY FROM STDIN', 1],
  // The apostrophe in the data would hide what comes behind it.
  ["COPY t (a, b) FROM stdin WITH csv;\nit's\n\\.\n", 'COPY FROM STDIN', 1],
  ['\\i other.sql\ncopy t from stdin;\n\\.', '\\i', 1],
])('%j is for psql only', (text, command, line) => {
  expect(findPsqlCommand(new SqlText(text))).toMatchObject({ command, line });
});

test.each([
  String.raw`select 'a\b', E'it\'s', "x\y" from t -- \d`,
  String.raw`do $$ begin perform '\x00'::bytea; end $$; /* \. */`,
  'create table "stdin" (); select $$copy t from stdin$$;',
  "copy t from '/tmp/stdin'",
])('%j is SQL', (text) => {
  expect(findPsqlCommand(new SqlText(text))).toBeUndefined();
});

test('a dump is told before anything is changed, with everything that has to go', async () => {
  const fresh = await db.fresh();
  const plugin = await pluginWith('a', {
    '0000_a':
      "\\restrict x\nSET lock_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.t ();\n\\unrestrict x\n",
  });
  const { signal } = new AbortController();
  const { problems } = await withPinnedClient(
    fresh.pool(),
    { clock: systemClock, signal },
    (client) => takeSurvey(client, [plugin]),
  );
  expect(problems).toMatchObject([
    {
      code: 'MIGRATION_TRANSACTION_CONTROL',
      message: "a: line 3 has set_config('search_path', …), which leads out of its schema",
    },
    {
      code: 'MIGRATION_FILES_INVALID',
      message: 'a: line 1 of 0000_a.sql has \\restrict, which only psql understands',
      hint: 'pg_dump wrote \\restrict for psql. It is left out of a dump as pg_dump made it, of up to 16 MB: make the dump again with --schema-only, or remove \\restrict from 0000_a.sql.',
    },
  ]);
});
