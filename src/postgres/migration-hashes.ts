import { quoteIdentifier } from './identifier.ts';
import { hashOf, type MigrationFile } from './migration-files.ts';
import { rewritePublic } from './public-rewrite.ts';

/**
 * Every hash that the history may have for a text that nobody edited: as it is, before and after `"public".` was turned into
 * the schema, each with LF and with CRLF, as a checkout on Windows has it.
 */
export function hashesOf(
  { text, snapshotNames }: Pick<MigrationFile, 'text' | 'snapshotNames'>,
  schema: string,
): ReadonlySet<string> {
  const texts = [
    text,
    rewritePublic(text, schema, snapshotNames ?? 'all').text,
    text.replaceAll(`${quoteIdentifier(schema)}.`, '"public".'),
  ];
  const withLf = texts.map((each) => each.replaceAll('\r\n', '\n'));
  const withCrLf = withLf.map((each) => each.replaceAll('\n', '\r\n'));
  return new Set([...new Set([...texts, ...withLf, ...withCrLf])].map(hashOf));
}
