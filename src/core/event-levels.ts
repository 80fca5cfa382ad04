import type { BootEvent, BootEventName, BootEventOf } from './events.ts';

/** The levels of a log, from the quietest on. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
/** How much an event matters to its reader. */
export type Level = (typeof levels)[number];

/** A level of some of the events of a name. */
interface LevelRule<Event> {
  readonly level: Level;
  /** Its name makes a sentence of the docs: `itFailed` is "when it failed". */
  readonly applies: (event: Event) => boolean;
}

/** The level of an event: always the same, or by the first rule that applies, or else the last one. */
type LevelsOf<Event> = Level | readonly [...LevelRule<Event>[], Level];

const itFailed = ({ error }: { readonly error?: unknown }): boolean => error !== undefined;
const theBootFailed = ({ outcome }: BootEventOf<'boot.finished'>): boolean => outcome === 'failed';
const itIsDegraded = ({ outcome }: BootEventOf<'boot.finished'>): boolean => outcome === 'degraded';
const theLaunchFailed = ({ outcome }: BootEventOf<'launch.finished'>): boolean =>
  outcome === 'failed';
const theLaunchIsDegraded = ({ outcome }: BootEventOf<'launch.finished'>): boolean =>
  outcome === 'degraded';
const itWasRefusedOrFailed = ({ outcome }: BootEventOf<'removal.finished'>): boolean =>
  outcome === 'refused' || outcome === 'failed';
const thereWereErrors = ({ errors }: BootEventOf<'boot.stopped'>): boolean => errors.length > 0;
const thereAreWarnings = ({ warnings }: BootEventOf<'graph.sorted'>): boolean =>
  warnings.length > 0;
const somethingIsPending = ({
  pending,
  renameFrom,
  missingSchemas,
}: BootEventOf<'plugin.migrate.planned'>): boolean =>
  pending.length > 0 || renameFrom !== undefined || missingSchemas !== undefined;
const theFileGoesOn = ({ goesOnAt }: BootEventOf<'plugin.migrate.applying'>): boolean =>
  goesOnAt !== undefined;
const sessionsWait = ({ blockers, behind }: BootEventOf<'plugin.migrate.progress'>): boolean =>
  blockers !== undefined || behind !== undefined;

/** Of the end of a step. */
const ofEnds = [{ level: 'warn', applies: itFailed }, 'debug'] as const;

/**
 * The level of every event. One failure has one line at `error`: that of the boot or of its stop, because each of them has one.
 * The steps and phases behind it are less loud.
 */
export const eventLevels: {
  readonly [Name in BootEventName]: LevelsOf<BootEventOf<Name>>;
} = {
  'boot.started': 'info',
  'boot.waiting': 'warn',
  'boot.warning': 'warn',
  'boot.progress': 'info',
  'boot.finished': [
    { level: 'error', applies: theBootFailed },
    { level: 'warn', applies: itIsDegraded },
    'info',
  ],
  'boot.stopping': 'info',
  'boot.stopped': [{ level: 'error', applies: thereWereErrors }, 'info'],
  'phase.started': 'debug',
  'phase.finished': 'info',
  'plugin.discovered': 'debug',
  'graph.sorted': [{ level: 'warn', applies: thereAreWarnings }, 'debug'],
  'survey.finished': 'debug',
  'plugin.migrate.planned': [{ level: 'info', applies: somethingIsPending }, 'debug'],
  'plugin.migrate.warning': 'warn',
  'plugin.migrate.connecting': 'debug',
  'plugin.migrate.waiting': 'warn',
  'plugin.migrate.renamed': 'info',
  'plugin.migrate.started': 'debug',
  'plugin.migrate.applying': [{ level: 'info', applies: theFileGoesOn }, 'debug'],
  'plugin.migrate.executing': 'trace',
  'plugin.migrate.executed': 'trace',
  'plugin.migrate.progress': [{ level: 'warn', applies: sessionsWait }, 'debug'],
  'plugin.migrate.retrying': 'warn',
  'plugin.migrate.applied': 'info',
  'plugin.migrate.settled': ofEnds,
  'plugin.migrate.finished': ofEnds,
  'migrations.flushing': 'debug',
  'migrations.durable': 'debug',
  'history.read': 'debug',
  'plugin.init.started': 'debug',
  'plugin.init.retrying': 'warn',
  'plugin.init.finished': ofEnds,
  'plugin.ready.started': 'debug',
  'plugin.ready.finished': ofEnds,
  'plugin.stop.started': 'debug',
  'plugin.stop.finished': ofEnds,
  'launch.started': 'info',
  'launch.finished': [
    { level: 'error', applies: theLaunchFailed },
    { level: 'warn', applies: theLaunchIsDegraded },
    'info',
  ],
  'removal.started': 'info',
  'removal.finished': [{ level: 'warn', applies: itWasRefusedOrFailed }, 'info'],
};

/** Chooses the level of an event. */
export function chooseLevel(event: BootEvent): Level {
  const known: LevelsOf<never> | undefined = eventLevels[event.type];
  // A recording of a later version may have other events.
  if (typeof known !== 'object') return known ?? 'debug';
  for (const each of known) {
    if (typeof each === 'string') return each;
    if (each.applies(event as never)) return each.level;
  }
  return 'debug';
}
