import { problem, type Problem } from '../../core/error-codes.ts';
import { findHomelessExtensions } from '../sql/extension-commands.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { keptName, namePart } from '../sql/sql-names.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** An extension in `public`, with the names that it defines. */
export interface PublicExtension {
  readonly name: string;
  /** Types and operator classes. */
  readonly words: readonly string[];
  /** Functions, without those that PostgreSQL itself has by the same name. */
  readonly functions: readonly string[];
}

/** An SQL expression of type json that gives every {@link PublicExtension}. */
export const publicExtensionsSql = `(
  select coalesce(json_agg(json_build_object('name', e.extname,
    'words', (select coalesce(json_agg(distinct coalesce(t.typname, o.opcname)), '[]')
      from pg_depend d
        left join pg_type t on d.classid = 'pg_type'::regclass and t.oid = d.objid and t.typname !~ '^_'
        left join pg_opclass o on d.classid = 'pg_opclass'::regclass and o.oid = d.objid
      where d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
        and coalesce(t.typname, o.opcname) is not null),
    'functions', (select coalesce(json_agg(distinct p.proname), '[]')
      from pg_depend d join pg_proc p on p.oid = d.objid
      where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_extension'::regclass
        and d.refobjid = e.oid and d.deptype = 'e'
        and not exists (select from pg_proc b
          where b.proname = p.proname and b.pronamespace = 'pg_catalog'::regnamespace)))), '[]')
  from pg_extension e where e.extnamespace = to_regnamespace('public'))`;

interface PendingPlugin {
  readonly id: string;
  readonly pending: readonly Migration[];
}

/** Warns of pending files that seem to use an extension in `public`, which is not on their `search_path`. */
export function findPublicExtensions(
  { id, pending }: PendingPlugin,
  extensions: readonly PublicExtension[],
): readonly Problem[] {
  if (extensions.length === 0) return [];
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    const wanted = readWords(sql);
    return extensions.flatMap((extension) => {
      const word = findWanted(extension, wanted);
      if (word === undefined) return [];
      const { name } = extension;
      const what = word === name ? name : `${word}, of the extension ${name},`;
      return problem('EXTENSION_IN_PUBLIC', `${id}: ${file} seems to use ${what} in public`, {
        plugin: id,
        file,
        hint: `List public in migrations.extensionSchemas, or move the extension to a schema for extensions: ALTER EXTENSION ${quoteIdentifier(name)} SET SCHEMA extensions;`,
      });
    });
  });
}

/** The names that a text uses without a schema. */
interface Words {
  readonly all: ReadonlySet<string>;
  readonly called: ReadonlySet<string>;
  readonly created: ReadonlySet<string>;
}

function findWanted(extension: PublicExtension, wanted: Words): string | undefined {
  const { name, words, functions } = extension;
  if (wanted.created.has(name)) return name;
  return (
    words.find((word) => wanted.all.has(word)) ?? functions.find((word) => wanted.called.has(word))
  );
}

const word = new RegExp(String.raw`(?<!\.\s*)(?<![\w$"])(${namePart})(\s*\()?`, 'g');

function readWords(sql: SqlText): Words {
  const all = new Set<string>();
  const called = new Set<string>();
  // In a body, a literal may hold SQL.
  const texts = sql.commands.flatMap(({ code, bodies }) => [
    code,
    ...bodies.map((b) => b.sql.text),
  ]);
  for (const [, written = '', call] of texts.flatMap((text) => [...text.matchAll(word)])) {
    const name = keptName(written);
    all.add(name);
    if (call !== undefined) called.add(name);
  }
  return { all, called, created: new Set(findHomelessExtensions(sql).map(({ name }) => name)) };
}
