import type { Querying } from './connection/connection.ts';
import type { PinnedClient } from './connection/pinned-client.ts';
import { isNotMadeYet, writeOwnTable } from './own-table.ts';

/** The row of a plugin in the registry. */
export interface RegistryRow {
  readonly id: string;
  /** The npm package it came in; null for a plugin that the host listed. */
  readonly package: string | null;
  readonly version: string | null;
  readonly path: string | null;
  /** Whether the plugin takes part. Slipway writes it into a new row only; people set it afterwards. */
  readonly enabled: boolean;
}

export const registryTable = 'slipway.plugins';
const columns = `
  id text primary key, package text, version text, path text,
  enabled boolean not null default true,
  first_seen timestamptz not null default now(), last_seen timestamptz not null default now()`;

/**
 * Reads the registry with one SELECT.
 *
 * @returns The rows, or `undefined` when there is no table yet: then every plugin is enabled.
 * @throws what pg threw, when there is a table that cannot be read.
 */
export async function readRegistry(client: Querying): Promise<readonly RegistryRow[] | undefined> {
  try {
    // Texts only: the host may have changed how other types are read. The casts fail for a table of another shape.
    const { rows } = await client.query<TextRow>(
      `select id::text, package::text, version::text, path::text, enabled::boolean::text as enabled from ${registryTable}`,
    );
    return rows.map((row) => ({ ...row, enabled: row.enabled === 'true' }));
  } catch (error) {
    if (isNotMadeYet(error)) return undefined;
    throw error;
  }
}

interface TextRow extends Omit<RegistryRow, 'enabled'> {
  readonly enabled: string;
}

/** The plugins that are new or not as the registry has them. */
export function changedEntries(
  entries: readonly RegistryRow[],
  rows: readonly RegistryRow[] | undefined,
): readonly RegistryRow[] {
  const known = new Map((rows ?? []).map((row) => [row.id, row]));
  return entries.filter((entry) => {
    const row = known.get(entry.id);
    return (
      !row ||
      row.package !== entry.package ||
      row.version !== entry.version ||
      row.path !== entry.path
    );
  });
}

/**
 * Writes entries into the registry. Never deletes, and never touches the `enabled` of a row that is there.
 *
 * @throws what pg threw: 42501 when the role may not.
 */
export function writeRegistry(
  client: PinnedClient,
  entries: readonly RegistryRow[],
): Promise<void> {
  return writeOwnTable(client, { name: registryTable, columns }, () =>
    client.query(
      `insert into ${registryTable} as known (id, package, version, path, enabled)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[])
       on conflict (id) do update
         set package = excluded.package, version = excluded.version, path = excluded.path, last_seen = now()
         where (known.package, known.version, known.path)
           is distinct from (excluded.package, excluded.version, excluded.path)`,
      [
        entries.map((entry) => entry.id),
        entries.map((entry) => entry.package),
        entries.map((entry) => entry.version),
        entries.map((entry) => entry.path),
        entries.map((entry) => entry.enabled),
      ],
    ),
  );
}
