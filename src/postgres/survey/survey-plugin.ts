import type { Problem } from '../../core/error-codes.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { judgePlan } from '../history/migration-policies.ts';
import { nothingReplaced, type ReplacedMarker } from '../history/replaced-marker.ts';
import type { Squash } from '../history/plan-squash.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { findHistoryProblems, findWriteProblems } from './access-problems.ts';
import { findUnavailableExtensions } from './extension-problems.ts';
import { findDumpProblems } from './dump-problems.ts';
import {
  findEmptyFiles,
  findFilePaths,
  findFileProblems,
  findPsqlProblems,
} from './file-problems.ts';
import { planFurtherSchemas } from './further-schemas.ts';
import { findHistoryEdits } from './history-edits.ts';
import type { DatabaseFacts, SchemaFacts } from './database-facts.ts';
import type { Look } from './look-at-database.ts';
import { findOtherHistory } from './other-histories.ts';
import { findPublicExtensions } from './public-extensions.ts';
import { findRenamedAway, planRename } from './schema-names.ts';
import { findRepeatableProblems } from './repeatable-problems.ts';
import { findStrandedProblems, type Claimant, type StrandedObjects } from './stranded-objects.ts';
import { judgeUnfinished } from './unfinished-problems.ts';

/** The result of the survey for one plugin. */
export interface PluginSurvey {
  readonly id: string;
  readonly schema: string;
  readonly historySchema: string;
  readonly schemaExists: boolean;
  readonly historyExists: boolean;
  /** The schema of an earlier id, which is renamed to `schema` before anything else; `applied` is by its history. */
  readonly renameFrom?: string | undefined;
  /** The schemas of the plugin beside its own, and those of them that are not there yet. */
  readonly furtherSchemas: readonly string[];
  readonly missingSchemas: readonly string[];
  /** The names of the files that are applied, in their order. */
  readonly applied: readonly string[];
  readonly pending: readonly Migration[];
  /** Of the pending ones, the repeatable files that have run before. */
  readonly repeats: readonly Migration[];
  /** Of the pending ones, those that count as applied without being run, each with the rows that it replaces. */
  readonly squashes: readonly Squash<Migration>[];
  /** The unfinished ones of them, each with the index of the command that it goes on at; undefined when there are none. */
  readonly unfinished: ReadonlyMap<Migration, number> | undefined;
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
  readonly replaced: ReplacedMarker;
}

/** Finds what is pending, in the schema that the plugin has now. */
export function planPlugin(
  plugin: PluginMigrations,
  schemas: ReadonlyMap<string, SchemaFacts>,
  look: Pick<Look, 'histories' | 'plans' | 'replaced'>,
): PlannedPlugin {
  const { id, files } = plugin;
  const { from: renameFrom, conflict } = planRename(plugin, schemas);
  const { schema, historySchema } =
    renameFrom === undefined ? plugin : { schema: renameFrom, historySchema: renameFrom };
  const rows = look.histories.get(historySchema) ?? [];
  const replaced = look.replaced.get(historySchema) ?? nothingReplaced;
  const known = renameFrom === undefined ? look.plans.get(plugin) : undefined;
  const plan = known ?? planMigrations(files, rows, plugin.schema, replaced);
  const lacking = new Set([...plan.pending, ...plan.held]);
  const applied = files.filter((file) => !lacking.has(file));
  const isAhead = plan.unknown.length > 0;
  const history = { files, applied, isAhead, rows, plan, replaced };
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
  const { pending, squashes } = plan;
  const toRun = filesToRun(plan);
  const isRenamed = renameFrom !== undefined;
  const { furtherSchemas } = planned.plugin;
  const plugin = { id, schema, historySchema, isRenamed, pending, furtherSchemas };
  const found = stranded ? findStrandedProblems(plugin, stranded) : [];
  const judgement = judgePlan(planned, settings);
  const unfinished = judgeUnfinished({ ...plugin, files }, facts, schemas, settings);
  const inFiles =
    willApply && toRun.length > 0 ? judgeFiles(planned, unfinished.next, context) : nothingFound;
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
    repeats: plan.repeats,
    squashes,
    unfinished: unfinished.next.size > 0 ? unfinished.next : undefined,
    schemaExists: schemas.has(ownSchema),
    historyExists,
    renameFrom,
    furtherSchemas,
    missingSchemas: furtherSchemas.filter((name) => !schemas.has(name)),
    applied: planned.applied.map(({ name }) => name),
    stranded,
    warnings: [
      ...judgement.warnings,
      ...unfinished.warnings,
      ...(strandedObjects === 'warn' ? found : []),
      ...inFiles.warnings,
    ],
    // Problems of the wrong schema are left out.
    problems: obstacle
      ? [obstacle]
      : [
          ...planFurtherSchemas(planned.plugin, facts.further, rows.length > 0).problems,
          ...findHistoryProblems(plugin, facts, schemas),
          ...judgement.problems,
          ...unfinished.problems,
          ...(willApply ? unfinished.obstacles : []),
          ...findOtherHistory(planned, facts.otherHistories),
          ...(strandedObjects === 'error' ? found : []),
          ...(willApply ? findWriteProblems(plugin, facts, schemas) : []),
          ...inFiles.problems,
        ],
  };
}

/** The pending files that will be run. */
export function filesToRun({
  pending,
  squashes,
}: Pick<MigrationPlan<Migration>, 'pending' | 'squashes'>): readonly Migration[] {
  if (squashes.length === 0) return pending;
  const squashing = new Set(squashes.map(({ file }) => file));
  return pending.filter((file) => !squashing.has(file));
}

type Judgement = Pick<PluginSurvey, 'warnings' | 'problems'>;

const nothingFound: Judgement = { warnings: [], problems: [] };

/** Finds what is wrong with the texts of the pending files, before any of them runs. */
function judgeFiles(
  { id, schema, historySchema, plugin, plan }: PlannedPlugin,
  unfinished: ReadonlyMap<Migration, number>,
  { facts, keepsSession, settings: { functionSearchPath }, onPath }: SurveyContext,
): Judgement {
  const pending = filesToRun(plan);
  const files = { id, schema, historySchema, pending };
  const paths = findFilePaths(plugin, onPath, pending);
  const historyEdits = findHistoryEdits(files);
  const dumps = findDumpProblems(files);
  // Of a dump that has to be made again, nothing else is of interest.
  const others = {
    id,
    pending: pending.filter(({ name }) => !dumps.some(({ file }) => file === name)),
  };
  return {
    warnings: [
      ...(functionSearchPath === 'warn' ? paths : []),
      ...findEmptyFiles(files),
      ...findPublicExtensions(files, facts.publicExtensions),
      ...historyEdits.warnings,
    ],
    problems: [
      ...(functionSearchPath === 'error' ? paths : []),
      ...dumps,
      ...findFileProblems({ ...others, unfinished }, keepsSession),
      ...findRepeatableProblems(files),
      ...findPsqlProblems(others),
      ...findUnavailableExtensions(files, facts.unavailable),
      ...historyEdits.problems,
    ],
  };
}
