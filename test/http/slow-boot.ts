import {
  definePlugin,
  serviceRef,
  type Boot,
  type BootEventName,
  type Plugin,
} from '../../src/index.ts';
import { migrationFolder } from '../support/migration-folder.ts';

/** Whoever holds this lock holds up the migration of the plugin catalog. */
export const migrationHold = 42n;

const reportsApi = serviceRef<string>('reports.api');

/**
 * Four plugins: `catalog` migrates for as long as {@link migrationHold} is held, `auth` has nothing to migrate, the optional
 * `reports` fails to start, and `dashboards` needs it.
 */
export async function slowPlugins(): Promise<readonly Plugin[]> {
  const migrations = await migrationFolder({
    '0000_items': [
      'CREATE TABLE items (id int);',
      `SELECT pg_advisory_xact_lock(${migrationHold});`,
    ].join('\n--> statement-breakpoint\n'),
  });
  return [
    { id: 'auth' },
    { id: 'catalog', migrations },
    definePlugin({
      id: 'reports',
      required: false,
      provides: { reportsApi },
      init: () => Promise.reject(new Error('no template')),
    }),
    definePlugin({ id: 'dashboards', required: false, deps: { reportsApi } }),
  ];
}

/** The next event of that name. */
export function eventOf(boot: Boot, name: BootEventName): Promise<unknown> {
  return new Promise((resolve) => boot.once(name, resolve));
}
