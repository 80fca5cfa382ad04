/** A package that hands on the machines, alone and with tasks and a listener of its own. */
import {
  bootMachine,
  describeMachines,
  fromTask,
  initAllMachine,
  launchMachine,
  migrateAllMachine,
  provideMachines,
  stopAllMachine,
} from 'slipway/machines';
import type { LaunchOutput, SurveyResult, Tasks } from 'slipway/machines';
import { createActor, waitFor } from 'xstate';

export const machine = bootMachine;
export const machines = { launchMachine, migrateAllMachine, initAllMachine, stopAllMachine };
export const survey = fromTask<SurveyResult>(async () => ({ status: 'done', upToDate: [] }));
export const migrateAll = migrateAllMachine.provide({ actors: { survey } });
export const launchAll = launchMachine.provide({ actors: { migrateAll } });
export const stopAll = stopAllMachine.provide({ actions: { tell: () => {} } });
export const provided = (tasks: Tasks) => provideMachines(tasks, () => {});
export const boot = createActor(bootMachine, { input: { migrateWidth: 4, initWidth: 8 } });
export const snapshot = boot.getSnapshot();
export const { launch, reason } = snapshot.context;
export const ended = async () => (await waitFor(boot, (one) => one.status === 'done')).output;
export const nodes = ({ nodes: sorted }: LaunchOutput) => sorted;
export const stopping = createActor(stopAllMachine, { input: { nodes: [], started: [] } });
export const { run } = stopping.getSnapshot().context;
export const described = describeMachines();
export const states = described.flatMap((one) => one.states);
export const edges = states.flatMap(({ transitions = [] }) => transitions);
