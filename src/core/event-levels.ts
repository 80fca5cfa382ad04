import type { BootEvent, BootEventName, BootEventOf } from './events.ts';

/** The levels of a log, from the quietest on. */
export const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
/** How much an event matters to its reader. */
export type Level = (typeof levels)[number];

/** A level of some of the events of a name. */
interface LevelRule<Event> {
  readonly level: Level;
  /** In words, after "when". */
  readonly when: string;
  readonly applies: (event: Event) => boolean;
}

/** The level of an event: always the same, or by the first rule that applies, or else the last one. */
type LevelsOf<Event> = Level | readonly [...LevelRule<Event>[], Level];

const hasFailed = {
  level: 'warn',
  when: 'it failed',
  applies: ({ error }: { readonly error?: unknown }) => error !== undefined,
} as const;

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
    { level: 'error', when: 'the boot failed', applies: ({ outcome }) => outcome === 'failed' },
    { level: 'warn', when: 'it is degraded', applies: ({ outcome }) => outcome === 'degraded' },
    'info',
  ],
  'boot.stopping': 'info',
  'boot.stopped': [
    { level: 'error', when: 'there were errors', applies: ({ errors }) => errors.length > 0 },
    'info',
  ],
  'phase.started': 'debug',
  'phase.finished': 'info',
  'plugin.discovered': 'debug',
  'graph.sorted': [
    { level: 'warn', when: 'there are warnings', applies: ({ warnings }) => warnings.length > 0 },
    'debug',
  ],
  'survey.finished': 'debug',
  'plugin.migrate.planned': [
    {
      level: 'info',
      when: 'something is pending',
      applies: ({ pending, renameFrom }) => pending.length > 0 || renameFrom !== undefined,
    },
    'debug',
  ],
  'plugin.migrate.warning': 'warn',
  'plugin.migrate.connecting': 'debug',
  'plugin.migrate.waiting': 'warn',
  'plugin.migrate.renamed': 'info',
  'plugin.migrate.started': 'debug',
  'plugin.migrate.applying': 'debug',
  'plugin.migrate.executing': 'trace',
  'plugin.migrate.executed': 'trace',
  'plugin.migrate.progress': [
    {
      level: 'warn',
      when: 'sessions wait',
      applies: ({ blockers, behind }) => blockers !== undefined || behind !== undefined,
    },
    'debug',
  ],
  'plugin.migrate.retrying': 'warn',
  'plugin.migrate.applied': 'info',
  'plugin.migrate.finished': [hasFailed, 'debug'],
  'plugin.init.started': 'debug',
  'plugin.init.retrying': 'warn',
  'plugin.init.finished': [hasFailed, 'debug'],
  'plugin.ready.started': 'debug',
  'plugin.ready.finished': [hasFailed, 'debug'],
  'plugin.stop.started': 'debug',
  'plugin.stop.finished': [hasFailed, 'debug'],
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
