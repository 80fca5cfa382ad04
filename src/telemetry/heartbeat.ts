import type { BootState } from '../core/boot-state.ts';
import type { Clock } from '../core/clock.ts';
import type { BootEvent, Emit } from '../core/events.ts';
import { phases, type Phase } from '../core/steps.ts';
import type { Listener } from './bus.ts';

const firstBeatMs = 1_000;
const longestPauseMs = 60_000;

/** The content of a heartbeat. */
type Progress = Pick<BootState, 'phase' | 'settled' | 'total' | 'running' | 'headline'>;

/**
 * Emits what is still running, one second after the start and then at growing intervals of up to a minute, so that a boot
 * that hangs shows where. It ends when the boot has finished, and begins again with each launch into it.
 */
export function createHeartbeat(
  clock: Clock,
  look: () => Progress & { readonly launch?: Progress & { readonly launch: number } },
  emit: Emit,
): Listener<BootEvent> {
  let cancel: (() => void) | undefined;
  const beat = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, () => {
      const state = look();
      const { phase, settled, total, running, headline } = state.launch ?? state;
      const ofLaunch = state.launch && { launch: state.launch.launch };
      if (isPhase(phase)) {
        emit({ type: 'boot.progress', phase, settled, total, running, headline, ...ofLaunch });
      }
      beat(Math.min(pauseMs * 2, longestPauseMs));
    });
  };
  return (event) => {
    if (event.type === 'boot.started' || event.type === 'launch.started') beat(firstBeatMs);
    if (event.type === 'boot.finished' || event.type === 'launch.finished') cancel?.();
  };
}

function isPhase(phase: Progress['phase']): phase is Phase {
  return phase === 'stopAll' || phases.some((known) => known === phase);
}
