export { bootMachine } from './boot-machine.ts';
export type { BootInput, BootOutput, StartEvent } from './boot-machine.ts';
export type { StopEvent } from './apply-change.ts';
export { initAllMachine } from './init-all-machine.ts';
export type { InitAllInput, InitAllOutput } from './init-all-machine.ts';
export { launchMachine } from './launch-machine.ts';
export type { LaunchInput, LaunchOutcome, LaunchOutput, LaunchPhase } from './launch-machine.ts';
export { migrateAllMachine } from './migrate-all-machine.ts';
export type { MigrateAllInput, MigrateAllOutput, MigratedPlan } from './migrate-all-machine.ts';
export type { Failure, MachineNews, StepNews } from './news.ts';
export { provideMachines } from './provide-machines.ts';
export { stopAllMachine } from './stop-all-machine.ts';
export type { StopAllInput, StopAllOutput } from './stop-all-machine.ts';
export { fromTask } from './task.ts';
export type { CancelEvent, TaskArgs, WindDownEvent } from './task.ts';
export type {
  Canceled,
  DiscoverResult,
  Done,
  Failed,
  InitResult,
  Locked,
  MigrateResult,
  OfPlugin,
  ReadyResult,
  RegisterResult,
  SortResult,
  StopResult,
  SurveyResult,
  Tasks,
  TimedOut,
  WaitResult,
} from './tasks.ts';
