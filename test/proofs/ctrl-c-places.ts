import type { BootEvent, BootEventName } from 'slipway';

/** A place in the life of a boot at which Ctrl-C comes. */
export interface Place {
  /** Raises the signal: the first event that fits. */
  readonly at: (event: BootEvent) => boolean;
  /** What stands there until the signal has come, so that it comes to nothing else: a step, or the second file of a plugin. */
  readonly stands?: `${'file' | 'init' | 'ready' | 'stop'} ${string}`;
  /** The plugin whose migration lock another session holds. */
  readonly lock?: string;
  /** Whether the boot fails by itself before. */
  readonly fails?: boolean;
}

type More = Omit<Place, 'at'>;

/** The first event of this name, of the launch: 1 is the boot itself. */
const at = (type: BootEventName, launch = 1, more: More = {}): Place => ({
  at: (event) => event.type === type && (event.launch ?? 1) === launch,
  ...more,
});

const phase = (name: string, launch = 1, more: More = {}): Place => ({
  at: (event) =>
    event.type === 'phase.started' && event.phase === name && (event.launch ?? 1) === launch,
  ...more,
});

/** The event of one plugin. */
const of = (type: BootEventName, plugin: string, more: More = {}): Place => ({
  at: (event) => event.type === type && 'plugin' in event && event.plugin === plugin,
  ...more,
});

/**
 * The places of one launch, up to its end. A signal arrives a moment after it was raised; that the ready hook stands keeps the
 * launch from being over by then.
 */
function launchPlaces(launch: number, plugin: string): Readonly<Record<string, Place>> {
  const stands = `ready ${plugin}` as const;
  return {
    discover: phase('discover', launch, { stands }),
    sort: phase('sort', launch, { stands }),
    'migrateAll: surveying': phase('migrateAll', launch, { stands }),
    'migrateAll: connecting': at('plugin.migrate.connecting', launch, { stands }),
    'migrateAll: waiting for a lock': of('plugin.migrate.waiting', plugin, { lock: plugin }),
    'migrateAll: between two files': at('plugin.migrate.applied', launch, { stands }),
    'migrateAll: in the middle of a file': {
      at: (event) =>
        event.type === 'plugin.migrate.executing' &&
        event.plugin === plugin &&
        event.file === '0001_second.sql' &&
        event.statement === 2,
      stands: `file ${plugin}`,
    },
    'migrateAll: flushing': at('migrations.flushing', launch, { stands }),
    'initAll: init': of('plugin.init.started', plugin, { stands: `init ${plugin}` }),
    'initAll: between init and ready': of('plugin.init.finished', plugin, { stands }),
    'initAll: ready': of('plugin.ready.started', plugin, { stands }),
  };
}

/** Before the boot was ready: exit code 130. */
export const comingUp: Readonly<Record<string, Place>> = {
  'boot.started': at('boot.started', 1, { stands: 'ready catalog' }),
  ...launchPlaces(1, 'catalog'),
};

/** Once it was ready: exit code 0. The program adds the wishlist, fails to add gifts, removes the wishlist, and stops. */
export const onceUp: Readonly<Record<string, Place>> = {
  ready: at('boot.finished'),
  ...Object.fromEntries(
    Object.entries(launchPlaces(2, 'wishlist')).map(([name, place]) => [`adding: ${name}`, place]),
  ),
  'added: launch.finished': at('launch.finished', 2),
  'undoing: stopAll': phase('stopAll', 3),
  'undoing: stop': of('plugin.stop.started', 'gifts', { stands: 'stop gifts' }),
  'undone: launch.finished': at('launch.finished', 3),
  'removing: removal.started': at('removal.started'),
  'removing: stop': of('plugin.stop.started', 'wishlist', { stands: 'stop wishlist' }),
  'removed: removal.finished': at('removal.finished'),
  stopAll: of('plugin.stop.started', 'catalog', { stands: 'stop catalog' }),
};

/** While a boot that has failed by itself stops what had started: the exit code is the program's, 1. */
export const goingDown: Readonly<Record<string, Place>> = {
  'stopAll of a failed boot': of('plugin.stop.started', 'auth', {
    stands: 'stop auth',
    fails: true,
  }),
};

export const places: Readonly<Record<string, Place>> = { ...comingUp, ...onceUp, ...goingDown };
