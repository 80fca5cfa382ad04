import { problem } from '../core/error-codes.ts';
import type { Problem } from '../core/error-codes.ts';
import { quoteIdentifier } from './identifier.ts';
import { historyOf } from './migration-history.ts';
import { isReadable } from './survey-statements.ts';
import type { DatabaseAnswer, SchemaAnswer } from './survey-statements.ts';

interface SurveyedPlugin {
  readonly id: string;
  readonly schema: string;
  readonly pending: readonly unknown[];
}

/** What stands against any migration at all; nothing where no plugin will ever have one. */
export function findServerProblems(
  { readOnly }: DatabaseAnswer,
  isPooled: boolean,
  targets: readonly { readonly files: readonly unknown[] }[],
): readonly Problem[] {
  const problems: Problem[] = [];
  if (targets.every(({ files }) => files.length === 0)) return problems;
  if (readOnly) {
    problems.push(
      problem('DATABASE_READ_ONLY', 'The database takes no writes: a replica, or set read-only'),
    );
  }
  if (isPooled) {
    problems.push(
      problem(
        'POOLER_UNSUPPORTED',
        'The connection goes through a pooler, which may hand each statement to another session',
        {
          hint: "Give Slipway a direct connection to PostgreSQL, or say pooler: 'session' if the pooler keeps sessions.",
        },
      ),
    );
  }
  return problems;
}

/** What stands against reading a plugin's history or applying its pending files. */
export function findPluginProblems(
  { id, schema, pending }: SurveyedPlugin,
  { role, database, canCreateSchema }: DatabaseAnswer,
  found: SchemaAnswer | undefined,
): readonly Problem[] {
  const lacks = (right: string, on: string): Problem =>
    problem('DATABASE_PRIVILEGE', `${id}: the role ${role} lacks ${right} on ${on}`, {
      plugin: id,
      hint: `GRANT ${right} ON ${on} TO ${quoteIdentifier(role)};`,
    });
  const unless = (isGranted: boolean, right: string, on: string): readonly Problem[] =>
    isGranted ? [] : [lacks(right, on)];

  if (!found) {
    const isFine = canCreateSchema || pending.length === 0;
    return unless(isFine, 'CREATE', `DATABASE ${quoteIdentifier(database)}`);
  }
  const { history, canUse, canCreate } = found;
  const onSchema = `SCHEMA ${quoteIdentifier(schema)}`;
  if (history && !canUse) return [lacks('USAGE', onSchema)];
  if (history && !history.canRead) return [lacks('SELECT', historyOf(schema))];
  if (history && !isReadable(found)) return [foreignHistory(id, schema, history.columns)];
  if (pending.length === 0) return [];
  return [
    ...unless(canUse, 'USAGE', onSchema),
    ...unless(canCreate, 'CREATE', onSchema),
    ...unless(history?.canWrite ?? true, 'INSERT', historyOf(schema)),
  ];
}

function foreignHistory(id: string, schema: string, columns: readonly string[]): Problem {
  return problem(
    'PLAN_INVALID',
    `${id}: ${historyOf(schema)} is not Drizzle's: its columns are ${columns.join(', ')}`,
    { plugin: id, hint: 'Rename that table: its name is the one of the migration history.' },
  );
}
