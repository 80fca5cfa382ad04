import type { AnyStateMachine, AnyTransitionDefinition, StateNode } from 'xstate';
import {
  nameAction,
  nameMachineEvent,
  type MachineDescription,
  type StateDescription,
  type TransitionDescription,
} from '../src/core/machine-records.ts';
import { bootMachine } from './boot-machine.ts';
import { changesMachine } from './changes-machine.ts';
import { initAllMachine } from './init-all-machine.ts';
import { launchMachine } from './launch-machine.ts';
import { migrateAllMachine } from './migrate-all-machine.ts';
import { stopAllMachine } from './stop-all-machine.ts';

/**
 * Describes every machine as plain JSON, the boot first: states, transitions, and the actors that they begin.
 *
 * @example describeMachines().map(({ id, states }) => `${id}: ${states.map(({ name }) => name).join(', ')}`)
 */
export function describeMachines(): readonly MachineDescription[] {
  return [
    bootMachine,
    launchMachine,
    migrateAllMachine,
    initAllMachine,
    changesMachine,
    stopAllMachine,
  ].map((machine) => describeMachine(machine));
}

function describeMachine({ id, root, implementations }: AnyStateMachine): MachineDescription {
  const states = Object.values<StateNode>(root.states);
  const invoked = new Set(states.flatMap(({ invoke }) => invoke.map(({ src }) => src)));
  // An actor that no state invokes is begun by an action.
  const spawns = Object.keys(implementations.actors).filter((src) => !invoked.has(src));
  return {
    id,
    initial: root.initial.target.map(({ key }: StateNode) => key).join(),
    states: states.map(describeState),
    ...(spawns.length > 0 && { spawns }),
  };
}

function describeState(state: StateNode): StateDescription {
  const entry = nameActions(state.entry);
  const exit = nameActions(state.exit);
  const invokes = state.invoke.map(({ id, src }) => ({
    id,
    src: typeof src === 'string' ? src : id,
  }));
  const transitions = [...state.transitions.values(), state.always ?? []]
    .flat()
    .map(describeTransition);
  return {
    name: state.key,
    ...(state.type === 'final' && { isFinal: true }),
    ...(entry.length > 0 && { entry }),
    ...(exit.length > 0 && { exit }),
    ...(invokes.length > 0 && { invokes }),
    ...(transitions.length > 0 && { transitions }),
  };
}

function describeTransition(transition: AnyTransitionDefinition): TransitionDescription {
  const target = transition.target?.[0]?.key;
  const guard = nameGuard(transition.guard);
  const actions = nameActions(transition.actions);
  return {
    event: nameMachineEvent(transition.eventType),
    ...(target !== undefined && { target }),
    ...(guard !== undefined && { guard }),
    ...(actions.length > 0 && { actions }),
  };
}

function nameActions(actions: readonly unknown[]): readonly string[] {
  return actions.map((action) => nameAction(action));
}

/** `and([…])` is a function that has its guards as a property. */
function nameGuard(guard: unknown): string | undefined {
  if (guard === undefined || typeof guard === 'string') return guard;
  const { guards, name } = guard as { readonly guards: readonly string[]; readonly name: string };
  return guards.join(` ${name} `);
}
