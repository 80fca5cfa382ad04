import type { Problem } from '../../core/error-codes.ts';
import { roundMs } from '../../core/duration.ts';
import type { GraphEdge } from '../../core/events.ts';
import { readTenant } from '../../core/tenants.ts';
import type { RehearsalUnit } from '../../postgres/rehearse/rehearse-plugin.ts';
import { rehearseTogether } from '../../postgres/rehearse/rehearse-together.ts';
import type { RehearsedPlugin } from '../../postgres/rehearse/rehearsed-plugin.ts';
import type { Around } from '../around/around.ts';
import { createPatientPool } from '../around/patient-pool.ts';
import { groupSurvey, sumUpTenants } from '../migrate-all/emit-survey.ts';
import { hasWork, type SurveyedPlugins } from '../migrate-all/survey-plugins.ts';
import type { PluginGraph } from '../../core/graph.ts';
import type { RehearseSettings } from './rehearse-options.ts';

/** A trial of the pending files. */
export interface Rehearsal {
  /** Where they ran: on the database itself, where they were rolled back; on a copy that was made for it; or on another one. */
  readonly on: 'database' | 'copy' | 'other';
  /** Why nothing was run. */
  readonly because?: string;
  readonly durationMs: number;
  /** The names of copies that are still there: of an earlier rehearsal whose process was killed, or one that could not be dropped. */
  readonly left?: readonly string[];
  /** The plugins with pending files, in the order of the boot. */
  readonly plugins: readonly RehearsedPlugin[];
}

const defaults = { withinMs: 5_000, lockTimeoutMs: 200 };

/** Rehearses the pending files on the database itself, and rolls them back. */
export async function rehearseOnDatabase(
  around: Around,
  graph: PluginGraph,
  surveyed: SurveyedPlugins,
  { within, lockTimeout, functions }: RehearseSettings,
  stop: AbortSignal,
): Promise<Rehearsal> {
  const { clock, settings } = around;
  const { survey } = surveyed;
  const startedAt = clock.elapsed();
  const end = (plugins: readonly RehearsedPlugin[]): Rehearsal => ({
    on: 'database',
    durationMs: roundMs(clock.elapsed() - startedAt),
    plugins,
  });
  const units = listUnits(graph, surveyed);
  if (!survey || units.length === 0) return end([]);
  const plugins: RehearsedPlugin[] = [];
  for (const group of groupUnits(units)) {
    const done = await rehearseTogether(group, {
      settings: { ...settings.migrations, ddlLockTimeout: lockTimeout ?? defaults.lockTimeoutMs },
      withinMs: within ?? defaults.withinMs,
      functions: functions ?? false,
      keepsSession: survey.keepsSession,
      clock,
      signal: stop,
      pool: createPatientPool(around, { phase: 'migrateAll', signal: stop }),
    });
    plugins.push(...done);
  }
  return end(sortLike(units, plugins).map(nameTenant));
}

/** The plugins that have work, with what comes before each. Of tenants, the one with most to do stands for all. */
export function listUnits(graph: PluginGraph, surveyed: SurveyedPlugins): readonly RehearsalUnit[] {
  const groups = groupSurvey(graph.plugins, surveyed);
  const needs = listNeeds(
    graph.edges,
    graph.plugins.map(({ id }) => id),
  );
  const chosen = graph.plugins.flatMap(({ id }) => {
    const all = groups.get(id) ?? [];
    const found = surveyed.tenants.has(id)
      ? sumUpTenants(all, surveyed.migrations).farthest
      : all.find(hasWork);
    const plugin = surveyed.migrations.find((each) => each.id === found?.id);
    return found && plugin ? [{ id, found, plugin }] : [];
  });
  const unitOf = new Map(chosen.map(({ id, plugin }) => [id, plugin.id]));
  return chosen.map(({ id, found, plugin }) => ({
    plugin,
    pending: found.pending.map(({ name }) => name),
    needs: new Set([...(needs.get(id) ?? [])].flatMap((each) => unitOf.get(each) ?? [])),
  }));
}

/** All that comes before each plugin, directly or not. The plugins are in the order of the boot. */
function listNeeds(
  edges: readonly GraphEdge[],
  ids: readonly string[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const needs = new Map<string, Set<string>>();
  for (const id of ids) {
    const direct = edges.filter(({ to }) => to === id).map(({ from }) => from);
    needs.set(id, new Set(direct.flatMap((each) => [each, ...(needs.get(each) ?? [])])));
  }
  return needs;
}

/** Units that depend on each other share a transaction; others do not hold the locks of each other. */
function groupUnits(units: readonly RehearsalUnit[]): readonly (readonly RehearsalUnit[])[] {
  const groups: RehearsalUnit[][] = [];
  for (const unit of units) {
    const joined = groups.filter((group) => group.some(({ plugin }) => unit.needs.has(plugin.id)));
    const rest = groups.filter((group) => !joined.includes(group));
    groups.splice(0, groups.length, ...rest, [...joined.flat(), unit]);
  }
  return groups.map((group) => sortLike(units, group));
}

function sortLike<T extends { readonly id?: string; readonly plugin?: { readonly id: string } }>(
  units: readonly RehearsalUnit[],
  list: readonly T[],
): readonly T[] {
  const places = new Map(units.map(({ plugin }, at) => [plugin.id, at]));
  const placeOf = ({ id, plugin }: T): number => places.get(plugin?.id ?? id ?? '') ?? 0;
  return list.toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** Names the plugin and the tenant apart. */
export function nameTenant({ id, ...rest }: RehearsedPlugin): RehearsedPlugin {
  const { plugin, tenant } = readTenant(id);
  return { id: plugin, ...(tenant !== undefined && { tenant }), ...rest };
}

/** The files of a rehearsal that a boot could not apply, as problems of the plan. */
export function listFailures({ plugins }: Rehearsal): readonly Problem[] {
  return plugins.flatMap(findProblems);
}

function findProblems({ id, tenant, error, files, outcome }: RehearsedPlugin): readonly Problem[] {
  const failed = [
    ...(outcome === 'failed' && error ? [{ error }] : []),
    ...files.flatMap((file) => (file.outcome === 'failed' ? [{ error: file.error }] : [])),
  ];
  return failed.flatMap(({ error: record }) => {
    if (!record) return [];
    const { message, code, hint = '', position } = record;
    const { file, line, column } = position ?? {};
    return [
      {
        code: (code ?? 'MIGRATION_FAILED') as Problem['code'],
        message,
        hint,
        plugin: id,
        ...(tenant !== undefined && { tenant }),
        ...(file !== undefined && { file }),
        ...(line !== undefined && { line }),
        ...(column !== undefined && { column }),
      },
    ];
  });
}
