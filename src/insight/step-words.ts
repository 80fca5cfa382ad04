import { describeBlocker, describeHolder } from '../core/describe-session.ts';
import { formatDuration } from '../core/duration.ts';
import { joinNames, printable, shorten } from '../core/printable.ts';
import type { Wait } from '../core/waits.ts';
import type { BootRecord } from './boot-record.ts';
import { describeUsual } from './estimate.ts';
import { findRunningFile, type OpenStep } from './open-steps.ts';
import type { PluginRecord } from './plugin-record.ts';
import { describeLook } from './statement-words.ts';
import { countSettled } from './tenants-record.ts';
import type { StepTimes } from './step-times.ts';

/** What a boot is to do with its plugins, as a verb. */
export function nameGoal({ onlyMigrates }: BootRecord): 'migrate' | 'start' {
  return onlyMigrates ? 'migrate' : 'start';
}

/** What each step does, as verbs. */
export const verbs = {
  migrate: 'migrate',
  init: 'start',
  ready: 'get ready',
  stop: 'stop',
} as const;

/** Describes what a step does now, or waits for: a sentence that begins with the plugin. */
export function describeOpenStep(times: StepTimes, plugin: PluginRecord, open: OpenStep): string {
  const { step, wait, sinceMs } = open;
  const forMs = formatDuration(times.nowMs - sinceMs);
  if (wait) return `${plugin.id} ${describeWait(wait, plugin)}`;
  if (step === 'migrate') return `${plugin.id} ${describeMigration(times, plugin, forMs)}`;
  const verb = {
    init: 'its init has run',
    ready: 'its ready hook has run',
    stop: 'it has been stopping',
  };
  return `${plugin.id} ${{ init: 'starts', ready: 'gets ready', stop: 'stops' }[step]}: ${verb[step]} for ${forMs}${describeUsual(times, plugin.id, step)}`;
}

function describeMigration(times: StepTimes, plugin: PluginRecord, forMs: string): string {
  const { tenants } = plugin;
  const settled = tenants && `has migrated ${countSettled(tenants)} in ${forMs}`;
  const file = findRunningFile(plugin, times.nowMs);
  if (!file) return settled ?? `prepares its migrations for ${forMs}`;
  const applies = settled === undefined ? 'applies' : `${settled}; ${file.tenant} applies`;
  const place = file.of > 1 ? ` (file ${file.index} of ${file.of})` : '';
  const since = `for ${formatDuration(file.forMs)}`;
  const { statement, statements, command = '' } = file;
  const seen = describeLook(command, file);
  if (statement === undefined) {
    return `${applies} ${file.file}${place} ${since}${seen && `; ${seen}`}`;
  }
  const which = `statement ${statement}${statements === undefined ? '' : ` of ${statements}`}`;
  const what = file.progress ? '' : `, ${command || 'SQL'},`;
  return `${applies} ${file.file}${place}: ${which}${what} has run ${since}${seen && `; ${seen}`}`;
}

function describeWait(wait: Wait, plugin: PluginRecord): string {
  const { kind, plugins = [], holder, blockers = [], reason } = wait;
  const forMs = formatDuration(wait.forMs);
  const more = reason === undefined ? '' : `: ${printable(firstLine(reason))}`;
  const who = joinNames(shorten(plugins, 3));
  switch (kind) {
    case 'dependency':
      return `waits ${forMs} for ${who}`;
    case 'gate':
      if (plugins.length === 0 && reason !== undefined) return `waits ${forMs}${more}`;
      return plugins.length === 0
        ? `waits ${forMs} for the survey`
        : `waits ${forMs} until ${who} ${plugins.length === 1 ? 'has' : 'have'} ended`;
    case 'slot':
      return `waits ${forMs} for a slot, which ${who} ${plugins.length === 1 ? 'has' : 'have'}`;
    case 'connection':
      return `waits ${forMs} for a client of the pool${more}`;
    case 'lock':
      return `waits ${forMs} for its migration lock, held by ${printable(describeHolder(holder ?? {}))}`;
    case 'database':
      return `waits ${forMs} for PostgreSQL${more}`;
    default: {
      const file = plugin.steps.migrate.files.at(-1)?.file;
      const what = file === undefined ? 'starts again' : `tries ${file} again`;
      const inTheWay =
        blockers.length === 0
          ? ''
          : `; in the way: ${blockers.map((each) => printable(describeBlocker(each))).join('; ')}`;
      return `${what} after a pause, which has lasted ${forMs}${more}${inTheWay}`;
    }
  }
}

/** The first line of a message, without control characters. */
export function firstLine(message: string): string {
  return printable(message.split('\n', 1)[0] ?? '');
}

/** Describes what the migrations of a plugin did: `catalog is migrated: 2 files applied in 27ms (0001.sql and 0002.sql)` */
export function describeMigrated({
  id,
  schema,
  tenants,
  applied,
  replaced,
  steps: { migrate },
}: PluginRecord): string {
  if ((schema ?? tenants) === undefined) return `${id} has no migrations`;
  if (migrate.outcome === 'upToDate') return `${id} was up to date: no file was pending`;
  // Another process may have applied them while this one waited for the lock.
  if (applied.length === 0) return `${id} is migrated: no file was left to apply`;
  const files = `${applied.length} ${applied.length === 1 ? 'file' : 'files'}`;
  const time = formatDuration(migrate.durationMs ?? 0);
  const names = applied.map((file) =>
    replaced.some((each) => each.file === file) ? `${file}, which was not run` : file,
  );
  return `${id} is migrated: ${files} applied in ${time} (${joinNames(shorten(names, 3))})`;
}
