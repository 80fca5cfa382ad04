import { describeMachines } from '../../machines/index.ts';
import { toError } from '../core/error-record.ts';
import { optionsInvalid } from '../core/errors.ts';
import type { BootEvent, BootEventOf } from '../core/events.ts';
import { integer, knownKeysOnly, record } from '../core/expect.ts';
import { hearRejection } from '../core/foreign-value.ts';
import type { InspectOptions, MachineObserver, MachineRecord } from '../core/machine-records.ts';
import {
  recordingFormat,
  toEventLine,
  toMachineLine,
  type RecordingHeader,
  type RecordingLine,
} from '../insight/recording.ts';

/** The part of a boot that a recorder reads. */
export interface Recorded {
  readonly events: readonly BootEvent[];
  onAny(listener: (event: BootEvent) => unknown): () => void;
  inspect(observer: MachineObserver, options: InspectOptions): () => void;
}

/** The options of {@link createRecorder}. */
export interface RecorderOptions {
  /**
   * Gets the lines of the recording in order, each with its line break; several in one text when they come at once. When it
   * throws or rejects, the recording ends, and the boot goes on.
   */
  readonly write: (lines: string) => unknown;
  /**
   * Called with the error of `write`, once.
   *
   * @default the error is logged as that of a listener
   */
  readonly onError?: (error: Error) => void;
  /**
   * How many characters are recorded whole. After them only the beginnings and the ends of the boot, of phases and of steps
   * are recorded.
   *
   * @default 67_108_864
   */
  readonly maxLength?: number;
}

const defaultMaxLength = 64 * 1024 * 1024;

/**
 * Records a boot: a header, then one line of JSON for each event and for each change of a machine's state. A recorder that
 * comes late begins with the events so far. No parameters of SQL, no connection strings and no exports of plugins are recorded.
 *
 * Lines that come at once are written at once, and always before the code of a plugin or a statement runs: whatever ends the
 * process then, the recording says what it was doing.
 *
 * @returns A function that writes what is left, and ends the recording.
 * @throws BootError `OPTIONS_INVALID`
 * @example createRecorder(boot, { write: (lines) => process.stderr.write(lines) });
 */
export function createRecorder(boot: Recorded, options: RecorderOptions): () => void {
  const { write, onError, maxLength } = checkOptions(options);
  const recorder = new Recorder(write, onError, maxLength);
  for (const event of boot.events) recorder.addEvent(event);
  const leave = [
    boot.onAny(recorder.addEvent),
    // Of tasks the events say more.
    boot.inspect(recorder.addMachine, { tasks: false }),
  ];
  return () => {
    for (const each of leave) each();
    recorder.end();
  };
}

function checkOptions(options: RecorderOptions) {
  const given = record(options, 'the options of createRecorder()');
  knownKeysOnly(given, ['write', 'onError', 'maxLength'], '');
  const { write, onError, maxLength = defaultMaxLength } = options;
  if (typeof write !== 'function') throw optionsInvalid('write', 'a function', write);
  if (onError !== undefined && typeof onError !== 'function') {
    throw optionsInvalid('onError', 'a function', onError);
  }
  const checked = integer(1, Number.MAX_SAFE_INTEGER)(maxLength, 'maxLength');
  return { write, onError, maxLength: checked };
}

class Recorder {
  readonly #write: RecorderOptions['write'];
  readonly #onError: RecorderOptions['onError'];
  readonly #maxLength: number;
  /** The lines that are not written yet. */
  #waiting = '';
  #length = 0;
  #isFull = false;
  #isOver = false;
  /** An error that no caller can catch, until the next event: then the bus reports it. */
  #thrown: Error | undefined;
  #leftOut = 0;
  #lastSeq = 0;
  #machineSeq = 0;
  /** The records of machines before the first event, which gives the header. */
  #early: MachineRecord[] | undefined = [];

  constructor(
    write: RecorderOptions['write'],
    onError: RecorderOptions['onError'],
    maxLength: number,
  ) {
    this.#write = write;
    this.#onError = onError;
    this.#maxLength = maxLength;
  }

  readonly addEvent = (event: BootEvent): void => {
    this.#throwLate();
    // An event that waits for its delivery is among the events so far, and comes again.
    if (this.#isOver || event.seq <= this.#lastSeq) return;
    this.#lastSeq = event.seq;
    if (event.type === 'boot.started') this.#begin(event);
    const line = toEventLine(event);
    if (this.#leftOut > 0 && /^boot\.(?:finished|stopped)$/.test(event.type)) {
      this.#put({ seq: line.seq, t: line.t, type: 'recording.leftOut', lines: this.#leftOut });
      this.#leftOut = 0;
    }
    this.#add(line, isBeginOrEnd(event.type));
    if (isUrgent(event.type)) this.#flush();
    this.#throwLate();
  };

  readonly addMachine = (change: MachineRecord): void => {
    if (this.#early) {
      this.#early.push(change);
      return;
    }
    if (this.#isOver) return;
    this.#machineSeq += 1;
    this.#add(toMachineLine(change, this.#machineSeq), false);
  };

  end(): void {
    this.#flush();
    this.#isOver = true;
    this.#throwLate();
  }

  #begin({ bootId, at, elapsedMs, versions, host }: BootEventOf<'boot.started'>): void {
    const startedAt = at - elapsedMs;
    const machines = describeMachines();
    this.#put({ format: recordingFormat, bootId, startedAt, versions, host, machines });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const change of early) this.addMachine(change);
  }

  /** Adds a line, unless the recording is full and the line is a detail. */
  #add(line: RecordingLine, isKept: boolean): void {
    if (this.#length >= this.#maxLength && !this.#isFull) {
      this.#isFull = true;
      this.#put({ seq: line.seq, t: line.t, type: 'recording.full', length: this.#length });
    }
    if (this.#isFull && !isKept) this.#leftOut += 1;
    else this.#put(line);
  }

  #put(line: RecordingLine | RecordingHeader): void {
    // After the promises of this turn, so that the next step's beginning is written together with this one's end.
    if (this.#waiting === '') process.nextTick(this.#flush);
    const text = `${JSON.stringify(line)}\n`;
    this.#waiting += text;
    this.#length += text.length;
  }

  readonly #flush = (): void => {
    if (this.#waiting === '' || this.#isOver) return;
    const lines = this.#waiting;
    this.#waiting = '';
    try {
      hearRejection(this.#write(lines), this.#fail);
    } catch (thrown) {
      this.#fail(thrown);
    }
  };

  readonly #fail = (thrown: unknown): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      if (!this.#onError) throw toError(thrown);
      this.#onError(toError(thrown));
    } catch (late) {
      this.#thrown = toError(late);
    }
  };

  #throwLate(): void {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (thrown) throw thrown;
  }
}

const urgent = /^plugin\.(?:init|ready|stop)\.started$|\.(?:applying|executing)$|^boot\./;

/** Whether the code of a plugin or a statement may follow: then the line must be written first. */
function isUrgent(type: BootEvent['type']): boolean {
  return urgent.test(type);
}

function isBeginOrEnd(type: BootEvent['type']): boolean {
  return /\.(?:started|finished|stopping|stopped|discovered|sorted|planned|connecting)$/.test(type);
}
