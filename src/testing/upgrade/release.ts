import type { Pool, PoolClient } from 'pg';
import type { Boot } from '../../boot/boot.ts';
import { createBoot } from '../../boot/create-boot.ts';
import type { Plugin } from '../../core/plugin.ts';
import { createOwnPool } from '../../postgres/connection/own-pool.ts';
import type { ReplicaBootOptions } from '../replicas/replica.ts';

/** A release that was booted. */
export interface Release {
  readonly boot: Boot;
  readonly pool: Pool;
  /** The sessions that its pool has had. */
  readonly sessions: ReadonlySet<number>;
  /** The plugins of its schemas. */
  readonly schemas: ReadonlyMap<string, string>;
  /** The file of each plugin that is being applied now. */
  readonly applying: ReadonlyMap<string, string>;
  /** Boots it. */
  start(): Promise<void>;
}

/** Makes a boot of a release for `use`, and stops it afterwards. */
export async function withRelease<T>(
  url: string,
  plugins: readonly Plugin[],
  options: ReplicaBootOptions,
  use: (release: Release) => Promise<T>,
): Promise<T> {
  const { pool, end } = createOwnPool({ connectionString: url });
  const sessions = new Set<number>();
  pool.on('connect', (client: PoolClient & { readonly processID?: number | null }) => {
    if (client.processID != null) sessions.add(client.processID);
  });
  const boot = createBoot({ ...options, pool, plugins });
  const schemas = new Map<string, string>();
  const applying = new Map<string, string>();
  boot.on('plugin.migrate.planned', ({ plugin, schema }) => {
    if (schema !== undefined) schemas.set(schema, plugin);
  });
  boot.on('plugin.migrate.applying', ({ plugin, file }) => applying.set(plugin, file));
  boot.on('plugin.migrate.applied', ({ plugin }) => applying.delete(plugin));
  try {
    return await use({
      boot,
      pool,
      sessions,
      schemas,
      applying,
      start: async () => {
        await boot.start();
      },
    });
  } finally {
    await boot.stop('the test is over');
    await end();
  }
}
