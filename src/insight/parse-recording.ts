import { BootError } from '../core/errors.ts';
import { BootRecord } from './boot-record.ts';
import type { MachineRecord } from '../core/machine-records.ts';
import type { RecordedEvent } from './recorded-event.ts';
import {
  readMachineLine,
  recordingFormat,
  type MachineLine,
  type RecordingHeader,
  type RecordingLine,
} from './recording.ts';
import { Story } from './story.ts';

/**
 * Reads a story from the lines of a recording. A last line that is cut is left out: the process ended in the middle of it.
 *
 * @param isOpen Whether more lines may come: then a boot without an end goes on, and otherwise its process has ended there.
 * @throws BootError `RECORDING_UNREADABLE`
 */
export function parseRecording(lines: Iterable<string>, isOpen = false): Story {
  const parser = new RecordingParser();
  for (const line of lines) parser.add(line);
  return parser.finish(isOpen);
}

/** Reads a recording line by line, and knows the story so far after each of them. */
export class RecordingParser {
  readonly #events: RecordedEvent[] = [];
  #record: BootRecord | undefined;
  readonly #machineRecords: MachineRecord[] = [];
  #isFull = false;
  #header: RecordingHeader | undefined;
  #number = 0;
  /** The number of a line that is damaged, unless it is the last one. */
  #damaged: number | undefined;

  /** @throws BootError `RECORDING_UNREADABLE` */
  add(text: string): void {
    this.#number += 1;
    if (text.trim() === '') return;
    if (this.#damaged !== undefined) throw damaged(this.#damaged);
    if (!this.#header) {
      this.#header = readHeader(text);
      this.#record = new BootRecord(this.#header.bootId);
      return;
    }
    const line: Partial<RecordingLine> | undefined = parseJson(text);
    if (
      typeof line?.type === 'string' &&
      typeof line.t === 'number' &&
      typeof line.seq === 'number'
    ) {
      this.#addLine(line as RecordingLine, this.#header);
    } else {
      this.#damaged = this.#number;
    }
  }

  /**
   * Returns the story so far. It changes with the next line that is added.
   *
   * @param isOpen Whether more lines may come: then a boot without an end goes on, and otherwise its process has ended there.
   * @param nowMs In ms from the start of the boot. Left out, it is the time of the last event.
   * @throws BootError `RECORDING_UNREADABLE` when there was not a single line
   */
  finish(isOpen = false, nowMs?: number): Story {
    const [header, record] = [this.#header, this.#record];
    if (!header || !record) throw unreadable('The recording is empty: its boot has not begun');
    return new Story({
      bootId: header.bootId,
      machines: header.machines,
      end: record.finished ? 'finished' : isOpen ? 'running' : 'cutOff',
      events: this.#events,
      machineRecords: this.#machineRecords,
      isFull: this.#isFull,
      record,
      ...(nowMs !== undefined && { nowMs }),
    });
  }

  #addLine(line: RecordingLine, { bootId, startedAt }: RecordingHeader): void {
    if (line.type.startsWith('machine.')) {
      this.#machineRecords.push(readMachineLine(line as MachineLine));
    } else if (line.type.startsWith('recording.')) {
      this.#isFull = true;
    } else {
      const { t: elapsedMs, ...facts } = line;
      const at = Math.round(startedAt + elapsedMs);
      this.#addEvent({ ...facts, bootId, at, elapsedMs } as RecordedEvent);
    }
  }

  #addEvent(event: RecordedEvent): void {
    try {
      this.#record?.add(event);
    } catch (cause) {
      throw new BootError('RECORDING_UNREADABLE', 'One of its events lacks a field', { cause });
    }
    this.#events.push(event);
  }
}

function readHeader(text: string): RecordingHeader {
  const header: Partial<RecordingHeader> | undefined = parseJson(text.replace(/^\uFEFF/, ''));
  const format: unknown = header?.format;
  if (
    typeof format === 'string' &&
    format !== recordingFormat &&
    format.startsWith('slipway-recording/')
  ) {
    throw unreadable(
      `The recording has the format ${format}, and this version of Slipway reads ${recordingFormat}`,
    );
  }
  const isWhole =
    typeof header?.bootId === 'string' &&
    typeof header.startedAt === 'number' &&
    Array.isArray(header.machines);
  if (format === recordingFormat && isWhole) return header as RecordingHeader;
  throw unreadable(
    `This is no recording of a boot: its first line is no header with "format": "${recordingFormat}"`,
  );
}

function parseJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function damaged(number: number): BootError {
  return unreadable(
    `Line ${number} of the recording is damaged: expected an object with "seq", "t" and "type"`,
  );
}

function unreadable(message: string): BootError {
  return new BootError('RECORDING_UNREADABLE', message);
}
