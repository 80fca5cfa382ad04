import { isSuccess } from '../core/schedule.ts';
import { phases, type Phase, type Step } from '../core/steps.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { RecordedEvent } from './recorded-event.ts';
import type { Story } from './story.ts';
import type { Blame } from './rules.ts';

type EventOf<Name extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Name }>;

/** Checks the events of the boot and of its phases, and the numbers and times of all events. */
export function checkBoot(story: Story, blame: Blame): void {
  checkStamps(story, blame);
  checkEnds(story, blame);
  checkPhases(story, blame);
  checkFlush(story, blame);
  const finished = story.ownEvents.find((event) => event.type === 'boot.finished');
  if (finished) checkOutcome(story, finished, blame);
}

function checkStamps({ events, isFull, launch }: Story, blame: Blame): void {
  let last: RecordedEvent | undefined;
  for (const event of events) {
    const due = (last?.seq ?? 0) + 1;
    // A launch has only some of the events of its boot.
    if (isFull || launch !== undefined ? event.seq < due : event.seq !== due) {
      blame('sequence', `event ${event.seq} comes where ${due} is due`, event);
    }
    // NaN is no time either.
    if (!(event.elapsedMs >= (last?.elapsedMs ?? 0))) {
      blame(
        'time',
        `${event.type} is at ${event.elapsedMs} ms, after ${last?.elapsedMs ?? 0} ms`,
        last,
        event,
      );
    }
    last = event;
  }
}

/** The events that come at most once. */
const ends = ['boot.finished', 'boot.stopping', 'boot.stopped'] as const;

function checkEnds({ ownEvents: events }: Story, blame: Blame): void {
  const seen = new Map<string, RecordedEvent>();
  for (const [at, event] of events.entries()) {
    const { type } = event;
    const isStart = type === 'boot.started';
    if (isStart !== (at === 0)) {
      blame(
        'start',
        isStart ? 'boot.started is not the first event' : `${type} comes before boot.started`,
        event,
      );
    }
    const finished = seen.get('boot.finished');
    const stopped = seen.get('boot.stopped');
    const earlier = seen.get(type);
    if (earlier) blame('end', `${type} comes twice`, earlier, event);
    else if (finished && stopped) blame('end', `${type} comes after both ends`, event);
    if ((ends as readonly string[]).includes(type)) seen.set(type, event);
  }
}

/** Phases one after the other; the way down may come after each of them. */
function checkPhases({ ownEvents: events }: Story, blame: Blame): void {
  const order: readonly Phase[] = [...phases, 'stopAll'];
  let open: EventOf<'phase.started'> | undefined;
  let last: EventOf<'phase.finished'> | undefined;
  for (const event of events) {
    if (event.type === 'phase.started') {
      const { phase } = event;
      const due = order.indexOf(last?.phase ?? 'stopAll') + 1;
      const follows =
        last === undefined ? phase === 'discover' : phase === order[due] && last.outcome === 'done';
      const isWayDown = phase === 'stopAll' && last?.phase !== 'stopAll';
      if (open) blame('phases', `${phase} begins while ${open.phase} goes on`, open, event);
      else if (!follows && !isWayDown)
        blame('phases', `${phase} begins after ${last?.phase ?? 'nothing'}`, last, event);
      open = event;
    } else if (event.type === 'phase.finished') {
      if (open?.phase !== event.phase)
        blame('phases', `${event.phase} ends and has not begun`, event);
      else checkDuration(open, event, blame);
      open = undefined;
      last = event;
    }
  }
  const stopped = events.find(({ type }) => type === 'boot.stopped');
  if (open && stopped) blame('step-end', `${open.phase} has not ended`, open, stopped);
}

/** Without `migrations.durable`, nothing had to be flushed, or the flush failed, or the server promises nothing. */
function checkFlush({ ownEvents: events }: Story, blame: Blame): void {
  const flushing = events.find((event) => event.type === 'migrations.flushing');
  const durable = events.find((event) => event.type === 'migrations.durable');
  if (!durable) return;
  if (flushing) checkDuration(flushing, durable, blame, looseMs);
  const init = events.find((event) => event.type === 'plugin.init.started');
  if (init && init.seq < durable.seq) {
    blame(
      'gate-disk',
      `${init.plugin} starts before what was migrated is on the disk`,
      init,
      durable,
    );
  }
}

/** Times of a recording are rounded to microseconds. */
export const roundingMs = 0.01;

/** Checks a duration that is the time from one event to the other. */
export function checkDuration(
  begin: RecordedEvent,
  end: RecordedEvent & { readonly durationMs: number },
  blame: Blame,
  toleranceMs = roundingMs,
): void {
  const passedMs = end.elapsedMs - begin.elapsedMs;
  if (Math.abs(end.durationMs - passedMs) <= toleranceMs) return;
  const what = 'plugin' in end ? `${end.type} of ${end.plugin}` : end.type;
  blame(
    'duration',
    `${what} says ${end.durationMs} ms, and ${passedMs} ms have passed`,
    begin,
    end,
  );
}

function checkOutcome(
  { record, ownEvents: events, launch }: Story,
  finished: EventOf<'boot.finished'>,
  blame: Blame,
): void {
  const { outcome, durationMs, elapsedMs } = finished;
  const enabled = record.plugins.filter((plugin) => plugin.enabled);
  const lost = (step: Step): readonly PluginRecord[] =>
    enabled.filter(({ steps }) => !isSuccess(steps[step].outcome ?? 'notReached'));
  const bad = (why: string): void =>
    blame('outcome', `the boot is ${outcome}, but ${why}`, finished);
  const names = (plugins: readonly PluginRecord[]): string =>
    plugins.map(({ id }) => id).join(', ');
  if (Math.abs(durationMs - elapsedMs) > looseMs) {
    blame(
      'duration',
      `boot.finished says ${durationMs} ms, and ${elapsedMs} ms have passed`,
      finished,
    );
  }
  const until = record.start?.until;
  const required = (step: Step) => lost(step).filter((plugin) => plugin.required);
  switch (outcome) {
    case 'ready':
      if (until === 'migrated') bad('was to be migrated only');
      if (lost('ready').length > 0) bad(`${names(lost('ready'))} did not get ready`);
      break;
    case 'degraded':
      if (lost('ready').length === 0) bad('every plugin is up');
      if (required('ready').length > 0)
        bad(`${names(required('ready'))} did not get ready, and is required`);
      break;
    case 'migrated':
      if (until === 'ready') bad('was to start the plugins');
      if (required('migrate').length > 0)
        bad(`${names(required('migrate'))} did not migrate, and is required`);
      break;
    case 'failed':
      if (!finished.error) bad('has no error');
      break;
    case 'canceled':
      // A launch into a boot may have begun when that was about to stop.
      if (
        launch === undefined &&
        !events.some(({ type, seq }) => type === 'boot.stopping' && seq < finished.seq)
      )
        bad('nothing stopped it');
      break;
  }
}

/** Durations that are measured beside the stamp of their event: the process may do something else in between. */
export const looseMs = 250;
