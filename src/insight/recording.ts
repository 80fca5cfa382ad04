import type { BootEvent } from '../core/events.ts';
import type {
  MachineActor,
  MachineDescription,
  MachineEnded,
  MachineRecord,
  MachineTransition,
} from '../core/machine-records.ts';
import { toRecordedEvent, type RecordedEvent } from './recorded-event.ts';

/** The name and the version of the format. */
export const recordingFormat = 'slipway-recording/1';

/** The first line of a recording. */
export interface RecordingHeader {
  readonly format: typeof recordingFormat;
  /** The UUID of the boot. */
  readonly bootId: string;
  /** Wall-clock time of the start, in ms since 1970. The `t` of every line counts from it. */
  readonly startedAt: number;
  /** The versions of Slipway and of Node.js. */
  readonly versions: { readonly slipway: string; readonly node: string };
  /** The name of the machine or the container. */
  readonly host: string;
  /** The machines whose states and transitions the records name. */
  readonly machines: readonly MachineDescription[];
}

/** The place of a line in a recording. */
interface LineStamp {
  /** Counts the events from 1, and apart from them the records of machines. */
  readonly seq: number;
  /** In ms since the start of the boot. */
  readonly t: number;
}

type WithoutStamp<T> = T extends unknown ? Omit<T, 'bootId' | 'seq' | 'at' | 'elapsedMs'> : never;

/** A line with an event: the fields of the event behind its stamp. */
export type EventLine = LineStamp & WithoutStamp<RecordedEvent>;

/** A line with a transition of a machine. */
export type TransitionLine = LineStamp &
  Omit<MachineTransition, 'elapsedMs' | 'to' | 'actions'> & {
    /** The next state; left out when it is `from`. */
    readonly to?: string;
    /** The actions that ran, in their order; left out when there were none. */
    readonly actions?: readonly string[];
  };

/** A line with a record of a machine. Of tasks the events tell, and a recording has no records of them. */
export type MachineLine =
  | (LineStamp & Omit<MachineActor, 'elapsedMs'>)
  | TransitionLine
  | (LineStamp & Omit<MachineEnded, 'elapsedMs'>);

/** From here on only the beginnings and the ends of the boot, of phases and of steps are recorded. */
export interface FullLine extends LineStamp {
  readonly type: 'recording.full';
  /** How many characters the recording had by then. */
  readonly length: number;
}

/** How many lines were left out before this one. */
export interface LeftOutLine extends LineStamp {
  readonly type: 'recording.leftOut';
  readonly lines: number;
}

/** A line behind the header. */
export type RecordingLine = EventLine | MachineLine | FullLine | LeftOutLine;

/** Writes an event as a line. */
export function toEventLine(event: BootEvent | RecordedEvent): EventLine {
  const { bootId: _id, at: _at, seq, elapsedMs: t, ...facts } = toRecordedEvent(event);
  return { seq, t, ...facts };
}

/** Writes a record of a machine as a line. */
export function toMachineLine({ elapsedMs, ...facts }: MachineRecord, seq: number): MachineLine {
  const stamp = { seq, t: elapsedMs };
  if (facts.type !== 'machine.transition') return { ...stamp, ...facts };
  const { to, actions, ...rest } = facts;
  return {
    ...stamp,
    ...rest,
    ...(to !== facts.from && { to }),
    ...(actions.length > 0 && { actions }),
  };
}

/** Reads the record of a machine from its line. */
export function readMachineLine({ seq: _seq, t: elapsedMs, ...line }: MachineLine): MachineRecord {
  if (line.type !== 'machine.transition') return { ...line, elapsedMs };
  return { actions: [], to: line.from, ...line, elapsedMs };
}
