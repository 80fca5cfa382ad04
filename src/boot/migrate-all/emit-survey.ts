import type { BootEvents, Emit } from '../../core/events.ts';
import type { Plugin } from '../../core/plugin.ts';
import { readTenant } from '../../core/tenants.ts';
import type { PluginSurvey } from '../../postgres/survey/survey-plugin.ts';
import { groupFindings } from './group-findings.ts';
import { hasWork, type SurveyedPlugins } from './survey-plugins.ts';

/** The survey of the tenants of one plugin. */
export interface SurveyedTenants {
  /** All of them. */
  readonly all: readonly PluginSurvey[];
  /** Those that have anything to migrate. */
  readonly behind: readonly PluginSurvey[];
  /** The one with the most to do. */
  readonly farthest: PluginSurvey | undefined;
  /** The files that all of them have applied, in their order. */
  readonly applied: readonly string[];
  /** The files that some of them have not, in their order. */
  readonly pending: readonly string[];
}

/** Sums up what the survey has found about the tenants of one plugin, whose migrations are among these. */
export function sumUpTenants(
  all: readonly PluginSurvey[],
  migrations: SurveyedPlugins['migrations'],
): SurveyedTenants {
  const behind = all.filter(hasWork);
  const isPending = new Set(behind.flatMap(({ pending }) => pending.map(({ name }) => name)));
  const [first] = all;
  const [farthest] = behind.toSorted((a, b) => b.pending.length - a.pending.length);
  const applied = (first?.applied ?? []).filter((name) => !isPending.has(name));
  // The tenants share the files of their plugin, which has their order.
  const { files = [] } = migrations.find(({ id }) => id === first?.id) ?? {};
  const pending = files.map(({ name }) => name).filter((name) => isPending.has(name));
  return { all, behind, farthest, applied, pending };
}

/** Groups the survey by plugin: one without tenants is alone. */
export function groupSurvey(
  plugins: readonly Plugin[],
  { survey, tenants }: Pick<SurveyedPlugins, 'survey' | 'tenants'>,
): ReadonlyMap<string, readonly PluginSurvey[]> {
  const groups = new Map<string, PluginSurvey[]>(plugins.map(({ id }) => [id, []]));
  for (const each of survey?.plugins ?? []) groups.get(readTenant(each.id).plugin)?.push(each);
  // One whose list of tenants is empty stays.
  for (const [id, group] of groups) if (group.length === 0 && !tenants.has(id)) groups.delete(id);
  return groups;
}

/**
 * Emits what the survey has found out about the server, and for each plugin which files are pending and what does not quite
 * fit; of tenants, for each that is to be migrated. Nothing when there was nothing to ask.
 */
export function emitSurvey(
  plugins: readonly Plugin[],
  surveyed: SurveyedPlugins,
  cost: Pick<BootEvents['survey.finished'], 'statements' | 'durationMs'>,
  emit: Emit,
): void {
  if (!surveyed.survey) return;
  const { server, pooler, place } = surveyed.survey;
  const groups = groupSurvey(plugins, surveyed);
  emit({ type: 'survey.finished', plugins: groups.size, server, pooler, ...place, ...cost });
  for (const [plugin, group] of groups) {
    if (surveyed.tenants.has(plugin))
      emitTenants(plugin, sumUpTenants(group, surveyed.migrations), emit);
    else for (const each of group) emitOne(each, emit);
    const warnings = groupFindings(
      group.flatMap((each) => each.warnings),
      group,
    );
    for (const warning of warnings) emit({ type: 'plugin.migrate.warning', ...warning, plugin });
  }
}

function emitTenants(plugin: string, tenants: SurveyedTenants, emit: Emit): void {
  const { all, behind, applied, pending } = tenants;
  emit({
    type: 'plugin.migrate.planned',
    plugin,
    applied,
    pending,
    tenants: { total: all.length, pending: behind.length },
  });
  for (const each of behind) emitOne(each, emit);
}

function emitOne(planned: PluginSurvey, emit: Emit): void {
  const { id, schema, applied, pending, renameFrom, missingSchemas } = planned;
  emit({
    type: 'plugin.migrate.planned',
    plugin: id,
    schema,
    applied,
    pending: pending.map(({ name }) => name),
    ...(renameFrom === undefined ? {} : { renameFrom }),
    ...(missingSchemas.length > 0 && { missingSchemas }),
  });
}
