import { BootError } from '../core/errors.ts';
import { recordingFormat, toEventLine, toMachineLine, type RecordingHeader } from './recording.ts';
import type { Story } from './story.ts';

/**
 * Writes a story as the lines of a recording, without line breaks. The lines of events come before those of machines that have
 * the same time.
 *
 * @throws BootError `RECORDING_UNREADABLE` when its boot has not begun
 */
export function writeRecording(story: Story): readonly string[] {
  const { bootId, machines, events, machineRecords, record } = story;
  const { start, startedAt } = record;
  const first = events[0];
  if (!start || !first || startedAt === undefined) {
    throw new BootError('RECORDING_UNREADABLE', 'The boot of this story has not begun');
  }
  const header: RecordingHeader = {
    format: recordingFormat,
    bootId,
    startedAt: first.at - first.elapsedMs,
    versions: start.versions,
    host: start.host,
    machines,
  };
  const lines = [
    ...events.map(toEventLine),
    ...machineRecords.map((each, at) => toMachineLine(each, at + 1)),
  ].toSorted((a, b) => a.t - b.t);
  return [header, ...lines].map((line) => JSON.stringify(line));
}
