import { optionsInvalid } from '../../core/errors.ts';
import { knownKeysOnly, record } from '../../core/expect.ts';
import type { MigrationSource } from '../../core/migration-source.ts';
import type { Plugin } from '../../core/plugin.ts';
import { ownSchemaName } from '../../core/schema-name.ts';
import { checkPlugin } from '../../core/plugin-check.ts';

/** The host's own migrations, which run before those of any plugin. */
export interface HostOptions {
  /** As a plugin's: the folder drizzle-kit writes, `sqlFiles()`, or a list of functions. */
  readonly migrations: MigrationSource;
  /**
   * The schema of the host's own tables.
   *
   * @default 'public'
   */
  readonly schema?: string;
  /**
   * The schema of the history table, as in Drizzle's own `migrate()`.
   *
   * @default 'drizzle'
   */
  readonly historySchema?: string;
}

/** The host as a plugin that all others need, with a schema of its own choice. */
export interface Host {
  readonly plugin: Plugin;
  readonly schema: string;
  readonly historySchema: string;
}

/** The id of the host in events and in the report. No plugin can have it beside the host. */
export const hostId = 'host';

/** @throws BootError `OPTIONS_INVALID` or `PLUGIN_INVALID` */
export function checkHost(value: unknown, name: string): Host {
  const given = record(value, name);
  knownKeysOnly(given, ['migrations', 'schema', 'historySchema'], name);
  if (given['migrations'] === undefined) {
    throw optionsInvalid(`${name}.migrations`, 'a file: URL or an absolute path', undefined);
  }
  return Object.freeze({
    plugin: checkPlugin({ id: hostId, migrations: given['migrations'] }, name),
    schema: ownSchemaName(given['schema'] ?? 'public', `${name}.schema`),
    historySchema: ownSchemaName(given['historySchema'] ?? 'drizzle', `${name}.historySchema`),
  });
}
