import type { BootState } from '../core/boot-state.ts';
import { steps, type Step, type StepState } from '../core/steps.ts';
import type { HttpCode } from './front-handler.ts';

/** The part of a boot that the handlers read. */
export interface Observed {
  state(): BootState;
}

/** The state of a plugin: its first step that has not succeeded, or the stop of one that was up. */
export interface PluginStanding {
  readonly id: string;
  readonly step: Step;
  readonly state: StepState;
}

/** Returns the code of the whole boot. */
export function chooseCode(state: BootState): HttpCode {
  const { phase, isStopping } = state;
  if (phase === 'failed') return 'FAILED';
  if (isStopping || phase === 'stopAll' || phase === 'stopped') return 'STOPPING';
  if (phase !== 'ready') return 'STARTING';
  return pluginsNotUp(state).some(isLost) ? 'DEGRADED' : 'READY';
}

/** Whether everything was up once, even if the boot is stopping now. */
export function hasStarted({ phase, outcome }: BootState): boolean {
  return phase === 'ready' || outcome === 'ready' || outcome === 'degraded';
}

/**
 * Returns `undefined` for a plugin that is up and for an unknown one. A disabled plugin is not up, nor is one that was added or
 * removed, before its `ready` and from the moment its stop begins.
 */
export function pluginNotUp({ plugins }: BootState, id: string): PluginStanding | undefined {
  const states = Object.hasOwn(plugins, id) ? plugins[id] : undefined;
  if (!states) return undefined;
  if (states.ready === 'done') {
    return states.stop === 'pending' ? undefined : { id, step: 'stop', state: states.stop };
  }
  const step = steps.find((each) => states[each] !== 'done' && states[each] !== 'upToDate');
  return step === undefined ? undefined : { id, step, state: states[step] };
}

/** Lists every plugin that is not up, without those that were removed: they are not meant to be up. */
export function pluginsNotUp(state: BootState): readonly PluginStanding[] {
  return Object.keys(state.plugins).flatMap((id) => {
    const standing = pluginNotUp(state, id);
    return standing && standing.step !== 'stop' ? standing : [];
  });
}

/** Whether it is a plugin that is being added to a boot that is up. */
export function isComingUp({ launch }: BootState, { step, state }: PluginStanding): boolean {
  if (!launch || launch.phase === 'stopAll' || step === 'stop') return false;
  return state === 'pending' || state === 'running';
}

/** Whether a plugin was to be up, and is not. */
function isLost({ state }: PluginStanding): boolean {
  return state === 'failed' || state === 'timeout' || state === 'dependency';
}
