import type { Problem } from '../../core/error-codes.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import type { HistoryRow } from '../history/migration-history.ts';
import { planMigrations, type MigrationPlan } from '../history/migration-plan.ts';
import { judgePlan } from '../history/migration-policies.ts';
import type { Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { findFilePaths } from './function-path-problems.ts';
import type { Look } from './look-at-database.ts';
import { findHistoryEdits } from './history-edits.ts';
import { findPublicExtensions } from './public-extensions.ts';
import { findRenamed } from './rename-marker.ts';
import { planRename, type RenamePlan } from './rename-plan.ts';
import { renamedAway } from './rename-problems.ts';
import type { Claimant, StrandedObjects } from './stranded-objects.ts';
import { findStrandedProblems } from './stranded-problems.ts';
import { findUnavailableExtensions } from './unavailable-extensions.ts';
import {
  findEmptyFiles,
  findFileProblems,
  findHistoryProblems,
  findPsqlProblems,
  findWriteProblems,
} from './survey-problems.ts';
import type { DatabaseAnswer, SchemaAnswer } from './look-at-database.ts';

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
  readonly rename: RenamePlan;
  readonly rows: readonly HistoryRow[];
  readonly plan: MigrationPlan<Migration>;
}

/** Finds what is pending, in the schema that the plugin has now. */
export function planPlugin(
  plugin: PluginMigrations,
  schemas: ReadonlyMap<string, SchemaAnswer>,
  histories: Look['histories'],
): PlannedPlugin {
  const { id, files } = plugin;
  const rename = planRename(plugin, schemas);
  const { schema, historySchema } =
    rename.from === undefined ? plugin : { schema: rename.from, historySchema: rename.from };
  const rows = histories.get(historySchema) ?? [];
  const plan = planMigrations(files, rows, plugin.schema);
  const pending = new Set(plan.pending);
  const applied = files.filter((file) => !pending.has(file));
  const isAhead = plan.unknown.length > 0;
  return { id, schema, historySchema, plugin, rename, files, applied, isAhead, rows, plan };
}

/** The facts for all plugins of a survey. */
interface SurveyContext {
  readonly facts: DatabaseAnswer;
  readonly schemas: ReadonlyMap<string, SchemaAnswer>;
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
  const { facts, schemas, keepsSession, willApply, settings, onPath } = context;
  const { strandedObjects, functionSearchPath } = settings;
  const { id, schema, historySchema, rename, files, rows, plan } = planned;
  const { pending } = plan;
  const isRenamed = rename.from !== undefined;
  const plugin = { id, schema, historySchema, isRenamed, pending };
  const found = stranded ? findStrandedProblems(plugin, stranded) : [];
  const judgement = judgePlan({ id, historySchema, files, applied: rows, plan }, settings);
  const historyEdits = findHistoryEdits(plugin);
  const historyExists = schemas.get(historySchema)?.history != null;
  const obstacle = rename.conflict ?? findNewName(planned.plugin, historyExists, facts);
  const { schema: ownSchema, historySchema: ownHistorySchema } = planned.plugin;
  const paths = willApply ? findFilePaths(planned.plugin, onPath, pending) : [];
  return {
    id,
    schema: ownSchema,
    historySchema: ownHistorySchema,
    pending,
    schemaExists: schemas.has(ownSchema),
    historyExists,
    renameFrom: rename.from,
    applied: planned.applied.map(({ name }) => name),
    stranded,
    warnings: [
      ...judgement.warnings,
      ...(strandedObjects === 'warn' ? found : []),
      ...(functionSearchPath === 'warn' ? paths : []),
      ...(willApply ? findEmptyFiles(plugin) : []),
      ...(willApply ? findPublicExtensions(plugin, facts.publicExtensions) : []),
      ...(willApply ? historyEdits.warnings : []),
    ],
    // Problems of the wrong schema are left out.
    problems: obstacle
      ? [obstacle]
      : [
          ...findHistoryProblems(plugin, facts, schemas),
          ...judgement.problems,
          ...(strandedObjects === 'error' ? found : []),
          ...(functionSearchPath === 'error' ? paths : []),
          ...(willApply ? findWriteProblems(plugin, facts, schemas) : []),
          ...(willApply ? findFileProblems(plugin, keepsSession) : []),
          ...(willApply ? findPsqlProblems(plugin) : []),
          ...(willApply ? findUnavailableExtensions(plugin, facts.unavailable) : []),
          ...(willApply ? historyEdits.problems : []),
        ],
  };
}

/** Finds the new name of a plugin that has no schema here because another release has renamed it. */
function findNewName(
  { id, schema }: PluginMigrations,
  historyExists: boolean,
  { renamed }: DatabaseAnswer,
): Problem | undefined {
  const now = historyExists ? undefined : findRenamed(schema, renamed);
  return now && renamedAway(id, schema, now);
}
