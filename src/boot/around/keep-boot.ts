import type { BootEvent } from '../../core/events.ts';
import { readMessage } from '../../core/foreign-value.ts';
import { toRecordedEvent } from '../../insight/recorded-event.ts';
import { Story } from '../../insight/story.ts';
import { writeRecording } from '../../insight/write-recording.ts';
import { writeBootRow, type BootRow } from '../../postgres/boot-table.ts';
import { withPatience } from '../../postgres/connection/connect-with-patience.ts';
import { withPinnedClient } from '../../postgres/connection/pinned-client.ts';
import type { Around } from './around.ts';

/** How long to wait for a connection, in ms: the boot is up, and its plugins need the pool. */
const waitMs = 5_000;

/** The events that give the times of steps and files. Single statements are left out: a history has to stay small. */
const kept =
  /\.(?:started|finished|discovered|sorted|planned|connecting|waiting|retrying|renamed|applying|applied)$/;

/**
 * Writes a boot that is up into the history of boots. A history that cannot be written is a warning.
 *
 * @param signal Aborted when the boot is over.
 */
export async function keepBoot(
  { migrationPool, clock, cut, emit }: Pick<Around, 'migrationPool' | 'clock' | 'cut' | 'emit'>,
  events: readonly BootEvent[],
  signal: AbortSignal,
): Promise<void> {
  try {
    const row = summarize(events);
    const pool = withPatience(migrationPool, { waitMs, clock, signal });
    // A boot that is there already is not written twice.
    const pin = { signal, clock, cut, mayRepeat: () => true };
    await withPinnedClient(pool, pin, (client) => writeBootRow(client, row));
  } catch (error) {
    // A boot that is over needs no warning.
    if (signal.aborted || cut.aborted) return;
    const message = `The history of boots was not written: ${readMessage(error)}`;
    emit({ type: 'boot.warning', message });
  }
}

function summarize(events: readonly BootEvent[]): BootRow {
  const told = events.filter(({ type }) => kept.test(type)).map(toRecordedEvent);
  const bootId = told[0]?.bootId ?? '';
  const story = new Story({ bootId, events: told, end: 'finished' });
  const { start, startedAt = 0, finished } = story.record;
  return {
    bootId,
    startedAt,
    durationMs: finished?.durationMs ?? story.endMs,
    outcome: finished?.outcome ?? 'ready',
    host: start?.host ?? '',
    app: start?.hostApp?.name ?? null,
    appVersion: start?.hostApp?.version ?? null,
    recording: writeRecording(story).join('\n'),
  };
}
