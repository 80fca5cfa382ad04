import type { Step } from '../core/steps.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { Move, Replayed } from './replay.ts';
import { Story } from './story.ts';

/** The replay of one step of all plugins. */
export interface ReplayedStep {
  readonly step: Step;
  /** When its gate opened in the recording. */
  readonly gateMs: number;
  /** With the recorded options. */
  readonly before: Replayed;
  /** With the other ones. */
  readonly after: Replayed;
}

/** A replay, and where its events are in the story. */
interface Replay extends ReplayedStep {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** An event with its new time, and its place among the events of that time. */
interface Moved {
  readonly event: RecordedEvent;
  readonly atMs: number;
  /** The step that is replayed then, and the place in its replay. */
  readonly at: number;
  readonly order: number;
}

/** Writes the events of a story again, each at the time that it has in the replay. Heartbeats are left out. */
export function retell(story: Story, replays: readonly ReplayedStep[]): Story {
  const placed = replays.map((replay) => findPlace(story, replay));
  const moved = story.events
    .flatMap((event) => moveEvent(event, placed) ?? [])
    .toSorted((a, b) => a.atMs - b.atMs || a.at - b.at || a.order - b.order);
  const events = restamp(moved);
  const last = replays.at(-1);
  const shiftMs = last ? last.after.endMs - last.before.endMs : 0;
  const { bootId, end, isFull } = story;
  return new Story({ bootId, events, end, isFull, nowMs: story.nowMs + shiftMs });
}

function findPlace({ events }: Story, replay: ReplayedStep): Replay {
  const seqs = events.flatMap((event) =>
    'plugin' in event && belongsTo(event, replay.step) ? [event.seq] : [],
  );
  const [firstSeq = Number.POSITIVE_INFINITY] = seqs;
  return { ...replay, firstSeq, lastSeq: seqs.at(-1) ?? firstSeq };
}

function moveEvent(event: RecordedEvent, replays: readonly Replay[]): Moved | undefined {
  if (event.type === 'boot.progress') return undefined;
  const at = 'plugin' in event ? replays.findIndex(({ step }) => belongsTo(event, step)) : -1;
  const replay = replays[at];
  return replay ? moveStepEvent(event, replay, at) : moveOther(event, replays);
}

/** The events of the survey speak of a plugin as well, and are no part of its step; disabled plugins have no steps. */
function belongsTo(event: RecordedEvent, step: Step): boolean {
  const { type } = event;
  if (type === 'plugin.migrate.planned' || type === 'plugin.migrate.warning') return false;
  if ('outcome' in event && event.outcome === 'skipped') return false;
  return type === 'boot.waiting' ? step === 'migrate' : type.startsWith(`plugin.${step}.`);
}

function moveStepEvent(
  event: RecordedEvent,
  { after, before }: ReplayedStep,
  at: number,
): Moved | undefined {
  const plugin = 'plugin' in event ? (event.plugin ?? '') : '';
  const moves = after.moves.get(plugin);
  if (event.type.endsWith('.finished')) {
    const { atMs, order } = findEnd(after, plugin);
    if (moves) return { event, at, atMs, order };
    // A step that never ran settles as much later as those that it comes after, or at once when it is left out.
    const shiftMs = atMs - findEnd(before, plugin).atMs;
    const ran = before.moves.has(plugin);
    return ran
      ? { event: { ...event, durationMs: 0 } as RecordedEvent, at, atMs, order }
      : { event, at, atMs: event.elapsedMs + shiftMs, order };
  }
  const index = moves?.findLastIndex(({ fromMs }) => fromMs <= event.elapsedMs) ?? -1;
  const move = moves?.[index];
  if (!move) return undefined;
  // It does not wait for a lock that is free.
  if (event.type === 'plugin.migrate.waiting' && moves?.[index + 1]?.goesOn) return undefined;
  const atMs = event.elapsedMs + move.shiftMs;
  return { event: moveSlot(event, move), at, atMs, order: move.order };
}

/** A step that is never settled in a replay is abandoned at its end. */
function findEnd(
  { settled, endMs }: Replayed,
  plugin: string,
): { readonly atMs: number; readonly order: number } {
  return settled.get(plugin) ?? { atMs: endMs, order: Number.POSITIVE_INFINITY };
}

function moveSlot(event: RecordedEvent, { slot }: Move): RecordedEvent {
  return 'slot' in event ? { ...event, slot } : event;
}

/** Events of the boot and of phases keep their distance from the steps before them. */
function moveOther(event: RecordedEvent, replays: readonly Replay[]): Moved {
  const { elapsedMs, seq } = event;
  const at = replays.findLastIndex(({ firstSeq }) => firstSeq < seq);
  const replay = replays[at];
  if (!replay) return { event, at, atMs: elapsedMs, order: 0 };
  const { before, after, lastSeq } = replay;
  const laterMs = elapsedMs + (after.endMs - before.endMs);
  if (seq > lastSeq) return { event, at, atMs: laterMs, order: Number.POSITIVE_INFINITY };
  const previous = replays[at - 1];
  const shiftMs = previous ? previous.after.endMs - previous.before.endMs : 0;
  // In the middle of a phase that is shorter than it was, an event comes at its end at the latest.
  const atMs = Math.min(elapsedMs + shiftMs, Math.max(after.endMs, laterMs));
  return { event, at, atMs, order: 0 };
}

/** Numbers the events again, and corrects the durations of the phases and of the boot. */
function restamp(moved: readonly Moved[]): readonly RecordedEvent[] {
  const begun = new Map<string, number>();
  return moved.map(({ event, atMs: elapsedMs }, index) => {
    const at = event.at + elapsedMs - event.elapsedMs;
    const stamped = { ...event, seq: index + 1, at, elapsedMs };
    if (stamped.type === 'boot.finished') return { ...stamped, durationMs: elapsedMs };
    if (stamped.type === 'phase.started') begun.set(stamped.phase, elapsedMs);
    if (stamped.type !== 'phase.finished') return stamped;
    return { ...stamped, durationMs: elapsedMs - (begun.get(stamped.phase) ?? 0) };
  });
}
