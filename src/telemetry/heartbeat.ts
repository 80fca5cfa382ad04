import { stepIn } from '../core/boot-record.ts';
import type { Clock } from '../core/clock.ts';
import type { BootEvent, BootNews, Tell } from '../core/events.ts';
import type { Phase, Step } from '../core/steps.ts';
import type { Listener } from './bus.ts';

const firstBeatMs = 1_000;
const longestPauseMs = 60_000;

/**
 * Tells what is still running, a second after the start and then ever more rarely, up to once a minute: a boot that hangs
 * says where. Ends by itself when the boot has finished.
 */
export function createHeartbeat(clock: Clock, tell: Tell): Listener<BootEvent> {
  const running = new Map<string, { readonly step: Step; readonly since: number }>();
  let phase: Phase = 'discover';
  let settled = 0;
  let total = 0;
  let cancel: (() => void) | undefined;

  const beat = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, () => {
      tell(progress());
      beat(Math.min(pauseMs * 2, longestPauseMs));
    });
  };
  const start = (plugin: string, step: Step): void => {
    running.set(plugin, { step, since: clock.elapsed() });
  };
  const progress = (): BootNews => ({
    type: 'boot.progress',
    phase,
    settled,
    total: phase === 'initAll' ? total * 2 : total,
    running: [...running].map(([plugin, { step, since }]) => ({
      plugin,
      step,
      forMs: clock.elapsed() - since,
    })),
  });

  return (event) => {
    switch (event.type) {
      case 'boot.started':
        beat(firstBeatMs);
        break;
      case 'boot.finished':
        cancel?.();
        break;
      case 'plugin.discovered':
        total += 1;
        break;
      case 'phase.started':
        ({ phase } = event);
        settled = 0;
        break;
      case 'plugin.migrate.waiting':
        if (!running.has(event.plugin)) start(event.plugin, 'migrate');
        break;
      case 'plugin.migrate.started':
      case 'plugin.init.started':
      case 'plugin.ready.started':
      case 'plugin.stop.started':
        start(event.plugin, stepIn(event.type));
        break;
      case 'plugin.migrate.finished':
      case 'plugin.init.finished':
      case 'plugin.ready.finished':
      case 'plugin.stop.finished':
        running.delete(event.plugin);
        settled += 1;
        break;
      default:
    }
  };
}
