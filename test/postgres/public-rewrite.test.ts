import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicEdits } from '../../src/postgres/sql/public-names.ts';
import { applyEdits, type RewrittenSql } from '../../src/postgres/sql/sql-edits.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

const rewritePublic = (
  sql: string,
  schema: string,
  names: ReadonlySet<string> | 'all',
): RewrittenSql => applyEdits(sql, publicEdits(new SqlText(sql), schema, names));

const rewrite = (sql: string, names: ReadonlySet<string> | 'all' = 'all'): string =>
  rewritePublic(sql, 'plugin_a', names).text;

describe('"public".', () => {
  test('of generated SQL becomes the schema of the plugin', () => {
    expect(
      rewrite('ALTER TABLE "public"."a" ADD FOREIGN KEY ("b") REFERENCES "public"."b"("id");'),
    ).toBe('ALTER TABLE "plugin_a"."a" ADD FOREIGN KEY ("b") REFERENCES "plugin_a"."b"("id");');
  });

  test('inside a DO block is code: older versions of drizzle-kit wrap foreign keys in it', () => {
    expect(rewrite(`DO $$ BEGIN ALTER TABLE "public"."a" ADD x int; END $$`)).toBe(
      `DO $$ BEGIN ALTER TABLE "plugin_a"."a" ADD x int; END $$`,
    );
  });

  test.each([
    `select '"public"."a"'`,
    `select E'\\'"public"."a"'`,
    `-- "public"."a"`,
    `/* "public"."a" */`,
    `do $$ select '"public"."a"' $$`,
    `select "t"."public"."a"`,
    `select "public" from a`,
    `select public.a`,
  ])('stays in %s', (sql) => {
    expect(rewrite(sql)).toBe(sql);
  });

  test('of something that is not the plugin’s stays', () => {
    const names = new Set(['own', 'we"ird']);
    expect(rewrite('"public"."own" "public"."other" "public".own "public"."we""ird"', names)).toBe(
      '"plugin_a"."own" "public"."other" "plugin_a".own "plugin_a"."we""ird"',
    );
  });
});

test('every place of the rewritten text is found in the original', () => {
  const piece = fc.constantFrom('"public"."a"', "'x'", ' ', 'é😀', '$$ "public".b $$', ';\n');
  const sql = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(sql, fc.constantFrom('s', 'a_schema_with_a_long_name'), (text, schema) => {
      const { text: rewritten, toOriginal } = rewritePublic(text, schema, 'all');
      const places = Array.from(rewritten, (_, index) => toOriginal(index));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      for (const match of rewritten.matchAll(/\.|'x'|;|😀/gu)) {
        expect(text.startsWith(match[0], toOriginal(match.index))).toBe(true);
      }
    }),
  );
});
