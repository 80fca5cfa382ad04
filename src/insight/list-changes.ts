import { joinNames, shorten } from '../core/printable.ts';
import type { LaunchOutcome, RemovalOutcome } from '../core/steps.ts';
import type { BootRecord } from './boot-record.ts';
import type { LaunchRecord, RemovalRecord } from './changes-record.ts';
import { firstLine } from './step-words.ts';

/** A change of the plugins of a boot that is up: a launch has added some, or one was removed. */
export interface PluginChange {
  /** The number of the launch; left out for a removal. */
  readonly launch?: number;
  /** The number of the removal; left out for a launch. */
  readonly removal?: number;
  /** When it began, in ms from the start of the boot. */
  readonly startMs: number;
  /** Left out while it goes on. */
  readonly endMs?: number;
  readonly outcome: LaunchOutcome | RemovalOutcome | 'running';
  /** `launch 2 has added reviews`, `audit was removed`. */
  readonly says: string;
}

/** More names than this are counted. */
const namedPlugins = 4;

/** Lists the changes of a boot in the order in which they began. Of a launch, those are the removals of its plugins. */
export function listChanges(record: BootRecord): readonly PluginChange[] {
  const { launches, removals, launch } = record;
  const own =
    launch === undefined
      ? removals
      : removals.filter(({ plugin, plugins }) =>
          [plugin, ...plugins].some((id) => record.find(id)),
        );
  return [...launches.map(readLaunch), ...own.map(readRemoval)].toSorted(
    (a, b) => a.startMs - b.startMs,
  );
}

function readLaunch({
  number,
  startedAtMs,
  plugins,
  record,
}: LaunchRecord<BootRecord>): PluginChange {
  const { finished, start } = record;
  const endMs = finished && startedAtMs + finished.atMs;
  const message = finished?.error?.message;
  const more = message === undefined ? '' : `: ${firstLine(message)}`;
  return {
    launch: number,
    startMs: startedAtMs,
    ...(endMs !== undefined && { endMs }),
    outcome: (finished?.outcome ?? 'running') as PluginChange['outcome'],
    says: start
      ? `launch ${number} ${describeLaunch(record, plugins)}${more}`
      : `launch ${number} was canceled before its turn`,
  };
}

function describeLaunch(
  { finished, plugins: known }: BootRecord,
  plugins: readonly string[],
): string {
  const all = nameAll(plugins);
  switch (finished?.outcome) {
    case undefined:
      return `adds ${all}`;
    case 'failed':
      return `has failed to add ${all}`;
    case 'canceled':
      return `was stopped while it added ${all}`;
    default: {
      const up = known.flatMap(({ id, steps: { ready } }) => (ready.outcome === 'done' ? id : []));
      const lost = plugins.filter((id) => !up.includes(id));
      if (lost.length === 0) return `has added ${all}`;
      return up.length === 0
        ? `has added nothing, for ${nameAll(lost)} did not start`
        : `has added ${nameAll(up)} without ${nameAll(lost)}`;
    }
  }
}

function readRemoval(removal: RemovalRecord): PluginChange {
  const { removal: number, startMs, endMs, outcome } = removal;
  return {
    removal: number,
    startMs,
    ...(endMs !== undefined && { endMs }),
    outcome,
    says: describeRemoval(removal),
  };
}

function describeRemoval({ plugin, plugins, outcome, because, error }: RemovalRecord): string {
  const others = plugins.filter((id) => id !== plugin);
  const users = others.length === 0 ? '' : `, after ${nameAll(others)}`;
  switch (outcome) {
    case 'running':
      return `${plugin} is being removed${users}`;
    case 'done':
      return `${plugin} was removed${users}`;
    case 'failed':
      return `${plugin} was removed${users}, but a stop failed: ${firstLine(error?.message ?? 'no reason is known')}`;
    case 'refused':
      return `${plugin} was not removed: ${firstLine(because ?? 'it was refused')}`;
    default:
      return `${plugin} was not removed: the boot stopped first`;
  }
}

function nameAll(plugins: readonly string[]): string {
  return joinNames(shorten(plugins, namedPlugins));
}
