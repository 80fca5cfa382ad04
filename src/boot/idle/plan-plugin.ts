import type { Problem, Warning } from '../../core/error-codes.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import type { Plugin } from '../../core/plugin.ts';
import type { ExtensionFacts } from '../../postgres/survey/extension-schemas.ts';
import { nameRow } from '../../postgres/history/name-row.ts';
import { isSql } from '../../postgres/sources/migration.ts';
import { resolveFolders } from '../../postgres/sources/read-migrations.ts';
import { placeStatements, toScript } from '../../postgres/migrate/migration-script.ts';
import {
  readEffects,
  unknownEffect,
  type StatementEffect,
} from '../../postgres/sql/statement-effects.ts';
import type { PluginSurvey } from '../../postgres/survey/survey-plugin.ts';
import { sumUpTenants } from '../migrate-all/emit-survey.ts';
import { groupFindings } from '../migrate-all/group-findings.ts';
import type { SurveyedPlugins } from '../migrate-all/survey-plugins.ts';
import { planTenants, type TenantsPlan } from './plan-tenants.ts';

/** A migration that would be applied. */
export interface PendingFile {
  /** `0000_init.sql`, `20240102030405_init/migration.sql`, or the name of a function. */
  readonly file: string;
  readonly kind: 'sql' | 'function';
  /** The rows of the history that it would replace, instead of being run; left out when it would run. */
  readonly replaces?: readonly string[];
  /** Whether it would run in a transaction. */
  readonly transaction: boolean;
  /** The command that it would go on at, because an earlier boot has done those before it; counts from 1. */
  readonly goesOnAt?: number;
  /**
   * The statements as they would be sent: those from `goesOnAt` on. Empty for a file that would not be run, and for a function,
   * whose statements are unknown before it runs.
   */
  readonly statements: readonly PlannedStatement[];
  /** Whether it has run before with another text: a changed repeatable file. Left out of every other file. */
  readonly repeats?: true;
}

/** A statement that would be sent, with its place in the file and what others notice of it. */
export interface PlannedStatement extends StatementEffect {
  readonly text: string;
  /** Where it begins in the file; counts from 1. */
  readonly line: number;
  readonly column: number;
}

/** The part of one plugin in the plan of a boot. */
export interface PluginPlan {
  readonly id: string;
  /** Left out for a plugin without migrations, and for one with tenants. */
  readonly schema?: string;
  /** The tenants of the plugin; left out where there are none. What would be applied is that of the tenant with most to do. */
  readonly tenants?: TenantsPlan;
  /** The folder of its migrations, an absolute path; left out where there is none. Of several, the first. */
  readonly folder?: string;
  /** All of them, in the order of the list; left out where there is at most one. */
  readonly folders?: readonly string[];
  /** The schema of an earlier id, which would be renamed to `schema` first. */
  readonly renameFrom?: string;
  /** The further schemas that would be made first; left out when all are there. */
  readonly missingSchemas?: readonly string[];
  /** The names of the files that are applied, in their order. */
  readonly applied: readonly string[];
  /** The files that would be applied, in their order. */
  readonly pending: readonly PendingFile[];
  /** Findings that do not stop a boot. */
  readonly warnings: readonly Warning[];
  /** Problems that would keep the boot from migrating. */
  readonly problems: readonly Problem[];
}

/**
 * Plans one plugin.
 *
 * @param group The survey of the plugin, or of each of its tenants; empty without migrations.
 */
export async function planPlugin(
  { id, migrations }: Plugin,
  group: readonly PluginSurvey[],
  surveyed: SurveyedPlugins,
  isPublicRewritten: boolean,
): Promise<PluginPlan> {
  const { survey, problems } = surveyed;
  const tenants = surveyed.tenants.has(id) ? sumUpTenants(group, surveyed.migrations) : undefined;
  const found = tenants ? tenants.farthest : group[0];
  const folders = await resolveFolders(migrations);
  const [folder] = folders;
  return {
    id,
    ...(found && !tenants ? { schema: found.schema } : {}),
    ...(tenants ? { tenants: planTenants(tenants) } : {}),
    ...(folder === undefined ? {} : { folder }),
    ...(folders.length < 2 ? {} : { folders }),
    ...(found?.renameFrom === undefined || tenants ? {} : { renameFrom: found.renameFrom }),
    ...(found && found.missingSchemas.length > 0 && { missingSchemas: found.missingSchemas }),
    applied: (tenants ?? found)?.applied ?? [],
    pending: found ? await readPending(found, isPublicRewritten, survey?.extensions) : [],
    warnings: groupFindings(
      group.flatMap(({ warnings }) => warnings),
      group,
    ),
    problems: problems.filter(({ plugin }) => plugin === id),
  };
}

function readPending(
  { schema, furtherSchemas, pending, repeats, squashes, unfinished }: PluginSurvey,
  isPublicRewritten: boolean,
  extensions: ExtensionFacts | undefined,
): Promise<readonly PendingFile[]> {
  return mapBounded(pending, 1, async (migration): Promise<PendingFile> => {
    const file = migration.name;
    const squash = squashes.find((each) => each.file === migration);
    if (squash && !squash.obstacle) {
      const replaces = [...new Set(squash.rows.map(nameRow))];
      return { file, kind: 'sql', replaces, transaction: true, statements: [] };
    }
    if (!isSql(migration)) {
      return { file, kind: 'function', transaction: migration.transaction, statements: [] };
    }
    // A file whose snapshot is missing is shown as it is written. The survey reports the problem.
    const next = unfinished?.get(migration);
    const about = { extensions, furtherSchemas, isUnfinished: next !== undefined };
    const toSend = (isRewritten: boolean): ReturnType<typeof toScript> =>
      toScript(migration, schema, isRewritten, about);
    const script = await toSend(isPublicRewritten).catch(() => toSend(false));
    const { inTransaction: transaction } = script;
    const texts = script.statements.map(({ sql }) => sql);
    const effects = readEffects(texts, schema, transaction);
    const statements = placeStatements(script).map((placed, at) => {
      return { ...placed, ...(effects[at] ?? unknownEffect) };
    });
    return {
      file,
      kind: 'sql',
      transaction,
      ...(next !== undefined && next < statements.length && { goesOnAt: next + 1 }),
      statements: statements.slice(next),
      ...(repeats.includes(migration) && { repeats: true }),
    };
  });
}
