import type { MachineDescription, StateDescription } from '../core/machine-records.ts';

interface Transition {
  readonly target?: string;
  readonly guard?: string;
  readonly actions?: readonly string[];
}

/**
 * Writes a machine as the JSON of a definition of XState, which Stately's tools draw.
 *
 * @see https://stately.ai/docs/machines
 */
export function toStatelyDefinition({ id, initial, states }: MachineDescription): string {
  const config = Object.fromEntries(states.map((state) => [state.name, toState(state)]));
  return JSON.stringify({ id, initial, states: config });
}

function toState({ isFinal, entry, exit, invokes, transitions = [] }: StateDescription) {
  const on = new Map<string, Transition[]>();
  for (const { event, ...transition } of transitions) {
    const name = toXStateEvent(event);
    on.set(name, [...(on.get(name) ?? []), transition]);
  }
  const always = on.get('');
  on.delete('');
  return {
    ...(isFinal && { type: 'final' }),
    ...(entry && { entry }),
    ...(exit && { exit }),
    ...(invokes && { invoke: invokes }),
    ...(on.size > 0 && { on: Object.fromEntries(on) }),
    ...(always && { always }),
  };
}

/** Returns XState's name of an event: `xstate.done.actor.launch` for `done.launch`, and none for `always`. */
export function toXStateEvent(event: string): string {
  if (event === 'always') return '';
  return event.replace(/^(done|error)\./, 'xstate.$1.actor.');
}
