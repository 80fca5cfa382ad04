import type { BootEvent, BootEventName, BootEventOf } from './events.ts';

/** How much an event matters to its reader. */
export type Level = 'debug' | 'info' | 'warn' | 'error';

/** The level of each event: always the same, or by its content. */
type Loudness = {
  readonly [Name in BootEventName]: Level | ((event: BootEventOf<Name>) => Level);
};

const byOutcome = (event: { readonly error?: Error }): Level => (event.error ? 'error' : 'debug');

const loudness = {
  'boot.started': 'info',
  'boot.waiting': 'warn',
  'boot.warning': 'warn',
  'boot.progress': 'info',
  'boot.finished': ({ outcome }) =>
    outcome === 'failed' ? 'error' : outcome === 'degraded' ? 'warn' : 'info',
  'boot.stopping': 'info',
  'boot.stopped': ({ errors }) => (errors.length > 0 ? 'error' : 'info'),
  'phase.started': 'debug',
  'phase.finished': 'info',
  'plugin.discovered': 'debug',
  'graph.sorted': ({ warnings }) => (warnings.length > 0 ? 'warn' : 'debug'),
  'survey.finished': 'debug',
  'plugin.migrate.planned': ({ pending, renameFrom }) =>
    pending.length > 0 || renameFrom !== undefined ? 'info' : 'debug',
  'plugin.migrate.warning': 'warn',
  'plugin.migrate.connecting': 'debug',
  'plugin.migrate.waiting': 'warn',
  'plugin.migrate.renamed': 'info',
  'plugin.migrate.started': 'debug',
  'plugin.migrate.applying': 'debug',
  'plugin.migrate.executing': 'debug',
  'plugin.migrate.executed': 'debug',
  'plugin.migrate.retrying': 'warn',
  'plugin.migrate.applied': 'info',
  'plugin.migrate.finished': byOutcome,
  'plugin.init.started': 'debug',
  'plugin.init.retrying': 'warn',
  'plugin.init.finished': byOutcome,
  'plugin.ready.started': 'debug',
  'plugin.ready.finished': byOutcome,
  'plugin.stop.started': 'debug',
  'plugin.stop.finished': byOutcome,
} as const satisfies Loudness;

/** Chooses the level of an event. */
export function chooseLevel(event: BootEvent): Level {
  const level: Level | ((event: never) => Level) | undefined = loudness[event.type];
  // A recording of a later version may have other events.
  return typeof level === 'function' ? level(event as never) : (level ?? 'debug');
}
