import type { Problem } from '../../core/error-codes.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { judgePlan } from '../history/migration-policies.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { findHistoryProblems, findWriteProblems } from './access-problems.ts';
import { findUnavailableExtensions } from './extension-problems.ts';
import {
  findEmptyFiles,
  findFilePaths,
  findFileProblems,
  findPsqlProblems,
} from './file-problems.ts';
import { findHistoryEdits } from './history-edits.ts';
import type { DatabaseFacts, Look, SchemaFacts } from './look-at-database.ts';
import { findPublicExtensions } from './public-extensions.ts';
import { findRenamedAway, planRename } from './schema-names.ts';
import { findStrandedProblems, type Claimant, type StrandedObjects } from './stranded-objects.ts';

/** The result of the survey for one plugin. */
export interface PluginSurvey {
  readonly id: string;
  readonly schema: string;
  readonly historySchema: string;
  readonly schemaExists: boolean;
  readonly historyExists: boolean;
  /** The schema of an earlier id, which is renamed to `schema` before anything else; `applied` is by its history. */
  readonly renameFrom?: string | undefined;
  /** The names of the files that are applied, in their order. */
  readonly applied: readonly string[];
  readonly pending: readonly Migration[];
  /** Its objects in `public` instead of its schema; undefined when there are none. */
  readonly stranded: StrandedObjects | undefined;
  /** The differences that do not stop the boot. */
  readonly warnings: readonly Problem[];
  /** Its part of the problems of the survey. */
  readonly problems: readonly Problem[];
}

/** A plugin with its history. `schema` and `historySchema` are the present names. */
interface PlannedPlugin extends Claimant {
  readonly historySchema: string;
  readonly plugin: PluginMigrations;
  readonly renameFrom: string | undefined;
  readonly conflict: Problem | undefined;
  readonly rows: readonly HistoryRow[];
  readonly plan: MigrationPlan<Migration>;
}

/** Finds what is pending, in the schema that the plugin has now. */
export function planPlugin(
  plugin: PluginMigrations,
  schemas: ReadonlyMap<string, SchemaFacts>,
  { histories, plans }: Pick<Look, 'histories' | 'plans'>,
): PlannedPlugin {
  const { id, files } = plugin;
  const { from: renameFrom, conflict } = planRename(plugin, schemas);
  const { schema, historySchema } =
    renameFrom === undefined ? plugin : { schema: renameFrom, historySchema: renameFrom };
  const rows = histories.get(historySchema) ?? [];
  const known = renameFrom === undefined ? plans.get(plugin) : undefined;
  const plan = known ?? planMigrations(files, rows, plugin.schema);
  const pending = new Set(plan.pending);
  const applied = files.filter((file) => !pending.has(file));
  const isAhead = plan.unknown.length > 0;
  const history = { files, applied, isAhead, rows, plan };
  return { id, schema, historySchema, plugin, renameFrom, conflict, ...history };
}

/** The facts for all plugins of a survey. */
interface SurveyContext {
  readonly facts: DatabaseFacts;
  readonly schemas: ReadonlyMap<string, SchemaFacts>;
  readonly keepsSession: boolean;
  readonly willApply: boolean;
  readonly settings: MigrationSettings;
  /** The schemas after a plugin's own on its `search_path`. */
  readonly onPath: readonly string[];
}

/** Finds the warnings and problems of one plugin. */
export function surveyPlugin(
  planned: PlannedPlugin,
  stranded: StrandedObjects | undefined,
  context: SurveyContext,
): PluginSurvey {
  const { facts, schemas, willApply, settings } = context;
  const { strandedObjects } = settings;
  const { id, schema, historySchema, renameFrom, conflict, files, rows, plan } = planned;
  const { pending } = plan;
  const isRenamed = renameFrom !== undefined;
  const plugin = { id, schema, historySchema, isRenamed, pending };
  const found = stranded ? findStrandedProblems(plugin, stranded) : [];
  const judgement = judgePlan({ id, historySchema, files, applied: rows, plan }, settings);
  const inFiles = willApply && pending.length > 0 ? judgeFiles(planned, context) : nothingFound;
  const historyExists = schemas.get(historySchema)?.history != null;
  // Another release may have renamed the schema of a plugin that has none here.
  const newName = historyExists ? undefined : findRenamedAway(planned.plugin, facts.renamed);
  const obstacle = conflict ?? newName;
  const { schema: ownSchema, historySchema: ownHistorySchema } = planned.plugin;
  return {
    id,
    schema: ownSchema,
    historySchema: ownHistorySchema,
    pending,
    schemaExists: schemas.has(ownSchema),
    historyExists,
    renameFrom,
    applied: planned.applied.map(({ name }) => name),
    stranded,
    warnings: [
      ...judgement.warnings,
      ...(strandedObjects === 'warn' ? found : []),
      ...inFiles.warnings,
    ],
    // Problems of the wrong schema are left out.
    problems: obstacle
      ? [obstacle]
      : [
          ...findHistoryProblems(plugin, facts, schemas),
          ...judgement.problems,
          ...(strandedObjects === 'error' ? found : []),
          ...(willApply ? findWriteProblems(plugin, facts, schemas) : []),
          ...inFiles.problems,
        ],
  };
}

type Judgement = Pick<PluginSurvey, 'warnings' | 'problems'>;

const nothingFound: Judgement = { warnings: [], problems: [] };

/** Finds what is wrong with the texts of the pending files, before any of them runs. */
function judgeFiles(
  { id, schema, historySchema, plugin, plan: { pending } }: PlannedPlugin,
  { facts, keepsSession, settings: { functionSearchPath }, onPath }: SurveyContext,
): Judgement {
  const files = { id, schema, historySchema, pending };
  const paths = findFilePaths(plugin, onPath, pending);
  const historyEdits = findHistoryEdits(files);
  return {
    warnings: [
      ...(functionSearchPath === 'warn' ? paths : []),
      ...findEmptyFiles(files),
      ...findPublicExtensions(files, facts.publicExtensions),
      ...historyEdits.warnings,
    ],
    problems: [
      ...(functionSearchPath === 'error' ? paths : []),
      ...findFileProblems(files, keepsSession),
      ...findPsqlProblems(files),
      ...findUnavailableExtensions(files, facts.unavailable),
      ...historyEdits.problems,
    ],
  };
}
