import type { BootEvent } from '../core/events.ts';
import type { MachineDescription, MachineRecord } from '../core/machine-records.ts';
import { BootRecord } from './boot-record.ts';
import { toLaunchEvent, type LaunchRecord } from './changes-record.ts';
import { toRecordedEvent, type RecordedEvent } from './recorded-event.ts';
import { StepTimes } from './step-times.ts';

/** How a story ends: with the end of the launch, or in the middle, because it goes on or because the process ended there. */
export type StoryEnd = 'finished' | 'running' | 'cutOff';

/** The content of a story. */
interface Telling {
  readonly bootId: string;
  readonly events: readonly RecordedEvent[];
  readonly end: StoryEnd;
  /** In ms from the start of the boot. Left out, it is the time of the last event. */
  readonly nowMs?: number;
  readonly isFull?: boolean;
  readonly machines?: readonly MachineDescription[];
  readonly machineRecords?: readonly MachineRecord[];
  /** The facts of these events, when they have been read already. */
  readonly record?: BootRecord;
  /** Its number, for a launch into a boot that was up. */
  readonly launch?: number;
}

/**
 * A boot as its events tell it, as it stood at one moment. It never changes; `at()` gives the same boot at another moment.
 *
 * @example
 * const story = await readStory('boot.ndjson');
 * for (const finding of findings(story.at(2_000))) console.log(finding.text);
 */
export class Story {
  readonly bootId: string;
  /** The moment of which it is the story, in ms from the start of the boot. */
  readonly nowMs: number;
  readonly end: StoryEnd;
  /** Whether the recording was full at some moment: details after it were left out. */
  readonly isFull: boolean;
  /** In the order in which they were emitted. */
  readonly events: readonly RecordedEvent[];
  /** The records of machines and tasks; empty unless they were observed. */
  readonly machineRecords: readonly MachineRecord[];
  /** The definitions of the machines, with the records. */
  readonly machines: readonly MachineDescription[];
  /** The facts that the events tell. */
  readonly record: BootRecord;
  /** The number of a launch into a boot that was up; `undefined` for a boot. */
  readonly launch: number | undefined;
  #times: StepTimes | undefined;
  #ownEvents: readonly RecordedEvent[] | undefined;
  #launches: readonly Story[] | undefined;

  constructor(telling: Telling) {
    const { bootId, events, end, nowMs, isFull = false } = telling;
    const { machines = [], machineRecords = [] } = telling;
    this.bootId = bootId;
    this.isFull = isFull;
    this.events = events;
    this.machineRecords = machineRecords;
    this.machines = machines;
    this.launch = telling.launch;
    this.record = telling.record ?? readEvents(telling);
    this.nowMs = nowMs ?? this.record.elapsedMs;
    this.end = end;
  }

  /** The events without those of launches into the boot while it was up. */
  get ownEvents(): readonly RecordedEvent[] {
    const { events, record } = this;
    this.#ownEvents ??=
      record.launches.length === 0 ? events : events.filter((event) => event.launch === undefined);
    return this.#ownEvents;
  }

  /** The launches into the boot while it was up, each as the story of a boot that has only its plugins and begins at 0. */
  get launches(): readonly Story[] {
    return (this.#launches ??= this.record.launches.map((launch) => this.#readLaunch(launch)));
  }

  /** Finds the story of one launch, by its number. */
  findLaunch(number: number): Story | undefined {
    const launch = this.record.findLaunch(number);
    return launch && this.#readLaunch(launch);
  }

  #readLaunch(launch: LaunchRecord<BootRecord>): Story {
    const { start } = this.record;
    const { finished } = launch.record;
    return new Story({
      bootId: this.bootId,
      events: this.events.flatMap((event) => (start && toLaunchEvent(event, launch, start)) ?? []),
      end: finished ? 'finished' : this.end === 'finished' ? 'running' : this.end,
      nowMs: Math.max(0, this.nowMs - launch.startedAtMs),
      isFull: this.isFull,
      record: launch.record,
      launch: launch.number,
    });
  }

  /** The times of its steps. */
  get times(): StepTimes {
    return (this.#times ??= new StepTimes(this.record, this.nowMs));
  }

  /** The end of the boot, or else now, in ms from the start. */
  get endMs(): number {
    return this.record.finished?.atMs ?? this.nowMs;
  }

  /**
   * Returns the story as it stood `ms` after the start of the boot.
   *
   * @example headline(story.at(1_500))
   */
  at(ms: number): Story {
    const { bootId, machines, isFull, launch } = this;
    const isPast = ({ elapsedMs }: { readonly elapsedMs: number }): boolean => elapsedMs <= ms;
    const events = this.events.filter(isPast);
    const isWhole = events.length === this.events.length;
    const isOver = events.some(({ type }) => type === 'boot.finished');
    return new Story({
      bootId,
      machines,
      isFull,
      ...(launch !== undefined && { launch }),
      events,
      machineRecords: this.machineRecords.filter(isPast),
      end: isOver ? 'finished' : isWhole ? this.end : 'running',
      // Nothing is known of the time after a cut.
      nowMs: this.end === 'cutOff' ? Math.min(ms, this.nowMs) : ms,
    });
  }
}

function readEvents({ bootId, events, launch }: Telling): BootRecord {
  const record = new BootRecord(bootId, launch);
  for (const event of events) record.add(event);
  return record;
}

/** The part of a boot that its story is made of. */
export interface Told {
  readonly id: string;
  /** Every event so far, in order. */
  readonly events: readonly BootEvent[];
  /** Now, in ms from the start of the boot. */
  readonly elapsedMs: number;
}

/**
 * Returns the story of a boot in this process, as it stands now.
 *
 * @example console.log(headline(storyOf(boot)))
 */
export function storyOf({ id: bootId, events, elapsedMs: nowMs }: Told): Story {
  const isOver = events.some(({ type }) => type === 'boot.finished');
  const end = isOver ? 'finished' : 'running';
  return new Story({ bootId, events: events.map(toRecordedEvent), end, nowMs });
}
