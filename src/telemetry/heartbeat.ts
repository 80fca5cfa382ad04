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
 * that hangs shows where. It ends when the boot has finished.
 */
export function createHeartbeat(
  clock: Clock,
  look: () => Progress,
  emit: Emit,
): Listener<BootEvent> {
  let cancel: (() => void) | undefined;
  const beat = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, () => {
      const { phase, settled, total, running, headline } = look();
      if (isPhase(phase)) emit({ type: 'boot.progress', phase, settled, total, running, headline });
      beat(Math.min(pauseMs * 2, longestPauseMs));
    });
  };
  return ({ type }) => {
    if (type === 'boot.started') beat(firstBeatMs);
    if (type === 'boot.finished') cancel?.();
  };
}

function isPhase(phase: Progress['phase']): phase is Phase {
  return phase === 'stopAll' || phases.some((known) => known === phase);
}
