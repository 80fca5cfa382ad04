export type { StopEvent } from './apply-change.ts';
export { bootMachine, provideMachines } from './boot-machine.ts';
export type { BootContext, BootInput, BootOutput, StartEvent } from './boot-machine.ts';
export { changesMachine } from './changes-machine.ts';
export type {
  AddEvent,
  Change,
  ChangesContext,
  ChangesInput,
  CloseEvent,
  RemoveEvent,
  UpPlugins,
} from './changes-machine.ts';
export { describeMachines } from './describe-machines.ts';
export type {
  InvokeDescription,
  MachineDescription,
  StateDescription,
  TransitionDescription,
} from '../src/core/machine-records.ts';
export { initAllMachine } from './init-all-machine.ts';
export type { InitAllContext, InitAllInput, InitAllOutput } from './init-all-machine.ts';
export { launchMachine } from './launch-machine.ts';
export type {
  LaunchContext,
  LaunchInput,
  LaunchEnd,
  LaunchOutput,
  LaunchPhase,
} from './launch-machine.ts';
export { migrateAllMachine } from './migrate-all-machine.ts';
export type {
  MigrateAllContext,
  MigrateAllInput,
  MigrateAllOutput,
  MigratedPlan,
} from './migrate-all-machine.ts';
export { firstLaunch } from './news.ts';
export type { ChangeNews, Failure, MachineNews, PhaseNews, StepNews } from './news.ts';
export type { StepRun } from './step-run.ts';
export { stopAllMachine } from './stop-all-machine.ts';
export type { StopAllInput, StopAllOutput } from './stop-all-machine.ts';
export { fromTask } from './tasks.ts';
export type {
  CancelEvent,
  Canceled,
  DiscoverResult,
  Done,
  Failed,
  FlushResult,
  InitResult,
  InSlot,
  Locked,
  MigrateResult,
  OfPlugin,
  ReadyResult,
  RegisterResult,
  SortResult,
  StopResult,
  SurveyResult,
  TaskArgs,
  Tasks,
  TimedOut,
  WaitResult,
  WindDownEvent,
} from './tasks.ts';
export type { GraphNode } from '../src/core/schedule.ts';
