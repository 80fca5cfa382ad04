import type { BootEvent, BootEventOf } from '../../src/index.ts';
import { toRecordedEvent } from '../../src/insight/recorded-event.ts';
import { Story } from '../../src/insight/story.ts';
import { runStaged } from './staged-boot.ts';
import type { StagedBoot } from './staged-plan.ts';

/** The usual times by plugin. */
export type Usual = BootEventOf<'history.read'>['usual'];

/** Runs a boot to its end, with a history that was read when the plugins began to start. */
export async function runWithHistory(boot: StagedBoot, usual?: Usual): Promise<Story> {
  const { id, events } = await runStaged(boot);
  const at = events.findIndex(
    (event) => event.type === 'phase.started' && event.phase === 'initAll',
  );
  const opening = events[at];
  if (!opening) throw new Error('No plugin began to start');
  const { bootId, seq, at: openedAt, elapsedMs } = opening;
  const stamp = { bootId, seq, at: openedAt, elapsedMs };
  const read = {
    ...stamp,
    type: 'history.read',
    boots: 3,
    usual: usual ?? usualOf(events),
  } as const;
  const told = events.toSpliced(at + 1, 0, read).map(toRecordedEvent);
  return new Story({ bootId: id, events: told, end: 'finished' });
}

/** The times of this boot itself. */
function usualOf(events: readonly BootEvent[]): Usual {
  const usual: Record<string, Usual[string]> = {};
  for (const event of events) {
    if (event.type !== 'plugin.init.finished' && event.type !== 'plugin.ready.finished') continue;
    const step = event.type === 'plugin.init.finished' ? 'init' : 'ready';
    usual[event.plugin] = { ...usual[event.plugin], [step]: event.durationMs };
  }
  return usual;
}
