import type { BootState } from '../core/boot-state.ts';
import { steps, type Step, type StepState } from '../core/steps.ts';
import type { HttpCode } from './front-handler.ts';

/** The part of a boot that the handlers read. */
export interface Observed {
  state(): BootState;
}

/** The state of a plugin: its first step that has not succeeded. */
export interface PluginStanding {
  readonly id: string;
  readonly step: Step;
  readonly state: StepState;
}

/** Returns the code of the whole boot. */
export function chooseCode({ phase, isStopping, outcome }: BootState): HttpCode {
  if (phase === 'failed') return 'FAILED';
  if (isStopping || phase === 'stopAll' || phase === 'stopped') return 'STOPPING';
  if (phase !== 'ready') return 'STARTING';
  return outcome === 'degraded' ? 'DEGRADED' : 'READY';
}

/** Whether everything was up once, even if the boot is stopping now. */
export function hasStarted({ phase, outcome }: BootState): boolean {
  return phase === 'ready' || outcome === 'ready' || outcome === 'degraded';
}

/** Returns `undefined` for a plugin that is up and for an unknown one. A disabled plugin is not up. */
export function pluginNotUp({ plugins }: BootState, id: string): PluginStanding | undefined {
  const states = Object.hasOwn(plugins, id) ? plugins[id] : undefined;
  if (!states || states.ready === 'done') return undefined;
  const step = steps.find((each) => states[each] !== 'done' && states[each] !== 'upToDate');
  return step === undefined ? undefined : { id, step, state: states[step] };
}

/** Lists every plugin that is not up. */
export function pluginsNotUp(state: BootState): readonly PluginStanding[] {
  return Object.keys(state.plugins).flatMap((id) => pluginNotUp(state, id) ?? []);
}
