import type { BootEventName } from './events.ts';

/** Every event in one line, in the order of a boot. */
export const eventMeanings = {
  'boot.started': 'start() or migrate() was called',
  'boot.waiting':
    'the boot waits for PostgreSQL, for a client of the pool, or for migrations that another process applies',
  'boot.warning': 'a problem that does not stop the boot',
  'boot.progress': 'a heartbeat: what is still running, and for how long',
  'boot.finished': 'the launch has ended: ready, degraded, migrated, failed or canceled',
  'boot.stopping': 'the boot begins to stop',
  'boot.stopped': 'everything has stopped',
  'phase.started': 'a phase begins',
  'phase.finished': 'a phase has ended, and released all it held',
  'plugin.discovered': 'a plugin was found',
  'graph.sorted': 'the order and its reasons are known',
  'survey.finished': 'the one look at the database is over, before anything is changed',
  'plugin.migrate.planned': 'the survey knows what is pending for this plugin',
  'plugin.migrate.warning':
    'the history of this plugin does not quite fit its folder; the boot goes on',
  'plugin.migrate.connecting': 'the plugin has a slot, and takes a client of the pool',
  'plugin.migrate.waiting': 'another process holds the migration lock of this plugin',
  'plugin.migrate.renamed': 'the schema of an earlier id of this plugin has its new name',
  'plugin.migrate.started': 'the lock is held and the pinned client ready',
  'plugin.migrate.applying': 'an attempt at a migration file begins',
  'plugin.migrate.executing': 'a statement of a migration is sent',
  'plugin.migrate.executed': 'a statement of a migration has run',
  'plugin.migrate.progress':
    'how far a long statement is, and which sessions it waits for or keeps waiting',
  'plugin.migrate.retrying':
    'a file was rolled back for a temporary reason, and will be tried again',
  'plugin.migrate.applied': 'a migration file is committed',
  'plugin.migrate.settled': 'the migrations of one tenant have settled',
  'plugin.migrate.finished': 'the migrations of a plugin have settled',
  'migrations.flushing':
    'every migration has settled, and PostgreSQL flushes to the disk the commits that have not waited for it',
  'migrations.durable': 'all that the migrations have committed is on the disk',
  'history.read': 'the usual times of the plugins are known from earlier boots',
  'plugin.init.started': 'init is called',
  'plugin.init.retrying': 'init failed and will be tried again',
  'plugin.init.finished': 'init has settled',
  'plugin.ready.started': 'the ready hook is called',
  'plugin.ready.finished': 'the ready hook has settled',
  'plugin.stop.started': 'the stop handlers are called',
  'plugin.stop.finished': 'the plugin has stopped',
  'launch.started': 'plugins are added to a boot that is up',
  'launch.finished':
    'the added plugins are up, or what they had started is stopped again: ready, degraded, failed or canceled',
  'removal.started': 'a plugin, and all that use it, are stopped while the others serve',
  'removal.finished': 'a plugin is removed, or its removal was refused or canceled',
} as const satisfies Record<BootEventName, string>;

/** The names of all events. */
export const bootEventNames = Object.keys(eventMeanings) as readonly BootEventName[];
