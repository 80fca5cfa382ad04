import type { Plugin } from '../../src/index.ts';

export interface BusyPlugins {
  readonly count: number;
  /** Statements of each migration. Each sends two events. */
  readonly statements: number;
}

/** Plugins in layers of thirty, each with a migration of many statements, so that a boot of them sends many events. */
export function busyPlugins({ count, statements }: BusyPlugins): readonly Plugin[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `plugin-${at}`,
    after: at < 30 ? [] : [`plugin-${at - 30}`],
    migrations: [
      {
        name: '0001_fill',
        async run(client) {
          for (let statement = 0; statement < statements; statement += 1) {
            await client.query('SELECT 1');
          }
        },
      },
    ],
    init() {},
  }));
}
