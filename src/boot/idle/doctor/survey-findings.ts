import type { ErrorCode, Problem, Warning } from '../../../core/error-codes.ts';
import { shorten } from '../../../core/printable.ts';
import { answer, unknown, type Check, type CheckId } from './check-table.ts';
import type { Gathered } from './gather.ts';

/** The check that reports a finding of the survey. `migrations` reports every other. */
const homes: Readonly<Partial<Record<ErrorCode, CheckId>>> = {
  DATABASE_READ_ONLY: 'read-only',
  DATABASE_PRIVILEGE: 'privileges',
  MIGRATION_HISTORY_UNKNOWN: 'histories',
  MIGRATION_EDITED: 'histories',
  MIGRATION_OUT_OF_ORDER: 'histories',
  MIGRATION_DATABASE_AHEAD: 'histories',
  MIGRATION_RENAMED: 'histories',
  MIGRATION_RENAME_CONFLICT: 'histories',
  EXTENSION_SCHEMA_MISSING: 'extensions',
  EXTENSION_UNAVAILABLE: 'extensions',
  EXTENSION_IN_PUBLIC: 'extensions',
  MIGRATION_STRANDED_OBJECTS: 'stranded-objects',
  POOLER_UNSUPPORTED: 'pooler',
};

/** What the survey has found for one check. */
export function findingsFor(
  id: CheckId,
  { problems, warnings }: Pick<Gathered, 'problems' | 'warnings'>,
): { readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] } {
  const isHere = ({ code }: Warning): boolean =>
    (code === undefined ? 'migrations' : (homes[code] ?? 'migrations')) === id;
  return { problems: problems.filter(isHere), warnings: warnings.filter(isHere) };
}

/** The most findings that a document has of one check. */
export const mostListed = 20;

export function listMessages(findings: readonly Warning[]): readonly string[] {
  return shorten(
    findings.map(({ message }) => message),
    mostListed,
  );
}

export function joinHints(findings: readonly Warning[]): string | undefined {
  const hints = new Set(findings.flatMap(({ hint }) => hint ?? []));
  return hints.size === 0 ? undefined : shorten([...hints], 2).join(' ');
}

/** Reports what the survey has found under a check that is made of nothing else. */
export function judgeSurveyed(
  id: 'histories' | 'migrations' | 'stranded-objects',
  { survey, plugins, ...gathered }: Gathered,
  fine: (count: number) => string,
): Check {
  const { problems, warnings } = findingsFor(id, gathered);
  if (problems.length === 0 && 'because' in survey) return unknown(id, survey.because);
  if (plugins.problems.length > 0) return unknown(id, noPlugins);
  const evidence = { problems: listMessages(problems), warnings: listMessages(warnings) };
  const all = [...problems, ...warnings];
  if (all.length === 0) {
    return answer(id, { status: 'ok', found: fine(gathered.migrations.length), evidence });
  }
  const status = problems.length > 0 ? 'problem' : 'warning';
  const found = shorten(listMessages(all), 3).join('; ');
  return answer(id, { status, found, evidence, remedy: joinHints(all) });
}

/** Why a check of their schemas is unknown. */
export const noPlugins = 'The plugins cannot be loaded or sorted.';

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
