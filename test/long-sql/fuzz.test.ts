import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ByteSource } from '../../src/postgres/sql/byte-source.ts';
import { readDirectives } from '../../src/postgres/sql/file-marks.ts';
import { LongSql } from '../../src/postgres/sql/long-text.ts';
import { namesInPublic, publicEdits } from '../../src/postgres/sql/public-names.ts';
import { SentCommand } from '../../src/postgres/sql/sent-command.ts';
import { applyEdits, type SqlEdit } from '../../src/postgres/sql/sql-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';
import { findFileProblems, findPsqlProblems } from '../../src/postgres/survey/file-problems.ts';
import { repeatTo, toPlugin } from '../postgres/migration-fixture.ts';

/** SQL that a survey has to find, and SQL that only looks like it. */
const pieces = [
  'COMMIT;\n',
  'SET search_path TO public;\n',
  `SELECT set_config('search_path', 'a', false);\n`,
  'SELECT pg_advisory_unlock_all();\n',
  'CREATE INDEX CONCURRENTLY i ON t (a);\n',
  'COPY t FROM STDIN;\n',
  '\\connect x\n',
  '-- +goose Down\nDROP TABLE a;\n',
  '-- slipway: allow-outside\n',
  'SELECT 1; -- slipway: bogus\n',
  'DO $$BEGIN PERFORM pg_advisory_unlock_all(); END$$;\n',
  'CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $x$BEGIN PERFORM pg_advisory_unlock_all(); END$x$;\n',
  'CREATE FUNCTION a() RETURNS int BEGIN ATOMIC SELECT p.end FROM p; SELECT 2; END;\n',
  `SELECT 'x\n--> statement-breakpoint\nCOMMIT;';\n`,
  `SELECT E'it\\'s; COMMIT;\\\\';\n`,
  '/* nested /* COMMIT; */ BEGIN; */\n',
  'SELECT "a;b""--";\n',
  ';\n;;\n',
  '\n--> statement-breakpoint\n',
  'CREATE TABLE "public"."m" ("k" "public"."mood", t2 public.other);\n',
  'SELECT "日本".größe FROM "public"."größe";\r\n',
];

/** Data between them, of any length: what surrounds it stands at the border of a part then. */
const fillers: readonly ((bytes: number) => string)[] = [
  (bytes) => repeatTo(bytes, `INSERT INTO notes VALUES (17, 'größer; --', 2.5);\n`),
  (bytes) =>
    repeatTo(bytes, `INSERT INTO "public"."notes" VALUES (1);\n--> statement-breakpoint\n`),
  (bytes) => `INSERT INTO notes VALUES ${repeatTo(bytes, `(17, 'x'::"public"."mood"),\n`)}(1);\n`,
  (bytes) =>
    `INSERT INTO notes VALUES${repeatTo(bytes, `\n  (1, 'x'::"public"."mood")\n, `)}(1);\n`,
  (bytes) => `SELECT '${repeatTo(bytes, `it''s; 🐘 COMMIT;\n`)}';\n`,
  (bytes) => `/*${repeatTo(bytes, `x; COMMIT; /* ' */ 日\n`)}*/\n`,
  (bytes) => `DO $b$BEGIN\n${repeatTo(bytes, `  PERFORM "public"."f"(17); -- a 'line\n`)}END$b$;\n`,
  (bytes) =>
    `DO $b$BEGIN\n${repeatTo(bytes, '  PERFORM 17;\n')}  PERFORM pg_advisory_unlock_all();\nEND$b$;\n`,
  (bytes) =>
    `CREATE FUNCTION l() RETURNS int BEGIN ATOMIC\n${repeatTo(bytes, 'SELECT 1;\n')}END;\n`,
  (bytes) => repeatTo(bytes, '-- comment; 12\n'),
];

/** Sizes around those of parts and windows. */
const bytes = fc
  .tuple(
    fc.constantFrom(200, 131_072, 262_144, 600_000, 2_097_152),
    fc.integer({ min: -60, max: 60 }),
  )
  .map(([size, more]) => size + more);
const filler = fc.tuple(fc.constantFrom(...fillers), bytes).map(([make, size]) => make(size));
const texts = fc.array(fc.tuple(filler, fc.array(fc.constantFrom(...pieces), { maxLength: 2 })), {
  minLength: 2,
  maxLength: 5,
});

const findEdits = (sql: SqlText): readonly SqlEdit[] => publicEdits(sql, 'plugin_shop', 'all');

/** Asks a text what the survey asks. */
function questions(sql: SqlText): unknown {
  const identity = { name: '0000_long.sql', historyName: '0000_long', when: 1, hash: '' };
  const file = { ...identity, format: '0.x', sql } as const;
  const plugin = { ...toPlugin('shop', [file]), pending: [file] };
  const problems = [
    ...findFileProblems(plugin, true),
    ...findFileProblems(plugin, false),
    ...findPsqlProblems(plugin),
  ];
  return {
    problems: problems.map(({ code, message, line, column }) => ({ code, message, line, column })),
    directives: [...readDirectives(sql).known].toSorted(),
    inPublic: [...namesInPublic(sql)].toSorted(),
  };
}

/** The commands that are sent, one below the other. */
async function send(sql: LongSql, source: ByteSource): Promise<string> {
  const sent: string[] = [];
  for (const part of sql.parts) {
    if (!part.isLong) {
      const text = new SqlText(source.read(part.start, part.end).toString('utf8'));
      sent.push(applyEdits(text.text, findEdits(text)).text);
      continue;
    }
    const command = await SentCommand.read(source, part, findEdits);
    const chunks: Buffer[] = [];
    for await (const together of command.pieces())
      chunks.push(...together.map((each) => each.bytes));
    sent.push(Buffer.concat(chunks).toString('utf8'));
  }
  return sent.join('');
}

const commandsOf = (text: string): readonly string[] =>
  new SqlText(text).commands.map(({ start, code }) => text.slice(start, start + code.length));

test('a long text is asked and sent as it is, wherever its parts are cut', async () => {
  await fc.assert(
    fc.asyncProperty(texts, async (chosen) => {
      const text = chosen.flatMap(([long, short]) => [long, ...short]).join('');
      const whole = Buffer.from(text);
      const source: ByteSource = {
        size: whole.length,
        read: (start, end) => whole.subarray(start, end),
      };
      const long = new LongSql((use) => use(source));
      await long.readInSlices();
      const short = new SqlText(text);
      expect(questions(long)).toEqual(questions(short));
      const expected = commandsOf(applyEdits(text, findEdits(short)).text);
      expect(commandsOf(await send(long, source))).toEqual(expected);
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 60_000);
