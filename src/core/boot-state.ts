import type { BootRecord, StepState } from './boot-record.ts';
import { steps, type Phase, type Step } from './steps.ts';

/** A plain picture of a boot at one moment. */
export interface BootState {
  readonly bootId: string;
  readonly phase: 'idle' | Phase | 'ready' | 'stopped' | 'failed';
  /** What each step of each plugin is doing, by plugin id. */
  readonly plugins: Readonly<Record<string, Readonly<Record<Step, StepState>>>>;
}

/** @param machineState The name of the boot machine's state. */
export function readState(record: BootRecord, machineState: string): BootState {
  const last = record.phases.at(-1)?.phase ?? 'discover';
  const plugins = record.plugins.map(({ id }) => [
    id,
    Object.fromEntries(steps.map((step) => [step, record.stateOf(id, step)])),
  ]);
  return {
    bootId: record.bootId,
    phase: machineState === 'launching' ? last : (machineState as BootState['phase']),
    plugins: Object.fromEntries(plugins) as BootState['plugins'],
  };
}
