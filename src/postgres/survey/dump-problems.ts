import { problem, type Problem } from '../../core/error-codes.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { DumpSql } from '../sql/dump-sql.ts';

/** What a dump may have that no migration can run, and the option of pg_dump that leaves it out. */
interface Unfit {
  readonly pattern: RegExp;
  readonly what: string;
  readonly option: string;
}

const unfit: readonly Unfit[] = [
  {
    pattern: /^copy\b.*\bfrom\s+stdin\b/is,
    what: 'COPY FROM STDIN',
    option: '--schema-only (or --inserts, for few rows)',
  },
  {
    pattern: /^alter\b.*\bowner\s+to\b|^(?:re)?set\s+session\s+authorization\b/is,
    what: 'OWNER TO',
    option: '--no-owner',
  },
  {
    pattern: /^(?:grant|revoke|alter\s+default\s+privileges)\b/i,
    what: 'GRANT or REVOKE',
    option: '--no-privileges',
  },
  {
    pattern: /^(?:create|alter|comment\s+on)\s+database\b|\\connect\b/i,
    what: 'CREATE DATABASE',
    option: 'no --create',
  },
  {
    pattern: /^drop\b|^alter\s+table\b.*\bdrop\s+constraint\b/is,
    what: 'DROP',
    option: 'no --clean',
  },
  {
    pattern: /^(?:create|alter)\s+subscription\b/i,
    what: 'CREATE SUBSCRIPTION',
    option: '--no-subscriptions',
  },
];

/** Settings that change how the text itself is read. */
const otherText =
  /^SET (?:client_encoding = '(?!UTF8'|SQL_ASCII')[^']*'|standard_conforming_strings = off);/m;

/**
 * Finds what pending dumps of pg_dump have that a migration cannot run, or that only another database has, such as roles. One
 * problem for a dump says how to make it again.
 */
export function findDumpProblems({
  id,
  pending,
}: {
  readonly id: string;
  readonly pending: readonly Migration[];
}): readonly Problem[] {
  return pending.filter(isSql).flatMap(({ name: file, sql }) => {
    const found = sql instanceof DumpSql ? findUnfit(sql) : [];
    const [first] = found;
    if (!first || !(sql instanceof DumpSql)) return [];
    const { line, column } = sql.positionAt(first.start);
    const what = found.map((each) => each.what).join(', ');
    const options = found.map(({ option }) => option).join(', ');
    const message = `${id}: ${file} is a dump with ${what}, which a migration cannot run; the first is in line ${line}`;
    const hint = `Make the dump again with other options of pg_dump: ${options}.`;
    return [problem('MIGRATION_FILES_INVALID', message, { plugin: id, file, line, column, hint })];
  });
}

type Found = Omit<Unfit, 'pattern'> & { readonly start: number };

/** Finds the first command of each kind. The rows behind a COPY are no SQL, so nothing is read behind the first one. */
function findUnfit(sql: DumpSql): readonly Found[] {
  const found = new Map<string, Found>();
  const setting = otherText.exec(sql.original);
  if (setting) {
    const option = '--encoding=UTF8, with standard_conforming_strings on';
    found.set('text', { what: setting[0], option, start: setting.index });
  }
  for (const { code, start } of sql.commands) {
    const kind = unfit.find(({ pattern }) => pattern.test(code));
    if (!kind) continue;
    const { what, option } = kind;
    if (!found.has(what)) found.set(what, { what, option, start });
    if (kind === unfit[0]) break;
  }
  return [...found.values()].toSorted((one, other) => one.start - other.start);
}
