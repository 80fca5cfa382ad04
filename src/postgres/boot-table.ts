import type { Querying } from './connection/connection.ts';
import type { PinnedClient } from './connection/pinned-client.ts';
import { isNotMadeYet, writeOwnTable } from './own-table.ts';

/** The row of a boot in its history. */
export interface BootRow {
  readonly bootId: string;
  /** Wall-clock time, in ms since 1970. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly outcome: string;
  readonly host: string;
  readonly app: string | null;
  readonly appVersion: string | null;
  /** The lines of its recording. */
  readonly recording: string;
}

export const bootTable = 'slipway.boots';
const columns = `
  boot_id uuid primary key, started_at timestamptz not null, duration_ms double precision not null,
  outcome text not null, host text not null, app text, app_version text, recording text not null`;

/** So many boots are kept. */
const most = 100;

/**
 * Adds a boot to the history, and removes the oldest one when there are too many.
 *
 * @throws what pg threw: 42501 when the role may not.
 */
export function writeBootRow(client: PinnedClient, row: BootRow): Promise<void> {
  return writeOwnTable(client, { name: bootTable, columns }, async () => {
    await client.query(
      `insert into ${bootTable} (boot_id, started_at, duration_ms, outcome, host, app, app_version, recording)
       values ($1::uuid, to_timestamp($2::float8 / 1000), $3::float8, $4, $5, $6, $7, $8) on conflict do nothing`,
      [
        row.bootId,
        row.startedAt,
        row.durationMs,
        row.outcome,
        row.host,
        row.app,
        row.appVersion,
        row.recording,
      ],
    );
    await client.query(
      `delete from ${bootTable} where boot_id in
         (select boot_id from ${bootTable} order by started_at desc, boot_id offset ${most})`,
    );
  });
}

/** Reads the last boots, the latest one first; none where there is no history yet. */
export async function readBootRows(client: Querying, last: number): Promise<readonly BootRow[]> {
  try {
    const { rows } = await client.query<TextRow>(
      `select boot_id::text as "bootId", (extract(epoch from started_at) * 1000)::float8::text as "startedAt",
         duration_ms::text as "durationMs", outcome::text, host::text, app::text, app_version::text as "appVersion",
         recording::text
       from ${bootTable} order by started_at desc, boot_id limit $1::int`,
      [last],
    );
    return rows.map((row) => ({
      ...row,
      startedAt: Math.round(Number(row.startedAt)),
      durationMs: Number(row.durationMs),
    }));
  } catch (error) {
    if (isNotMadeYet(error)) return [];
    throw error;
  }
}

interface TextRow extends Omit<BootRow, 'startedAt' | 'durationMs'> {
  readonly startedAt: string;
  readonly durationMs: string;
}
