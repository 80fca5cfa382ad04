import { createBrowserReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { describe, expect, it } from 'vitest';
import { createMachine, type AnyMachineSnapshot, type MachineConfig } from 'xstate';
import { describeMachines } from '../../machines/index.ts';
import type { MachineDescription } from '../../src/core/machine-records.ts';
import { definePlugin } from '../../src/index.ts';
import { readStory } from '../../src/insight.ts';
import { createStatelyAdapter, type StatelyMessage } from '../../src/inspector.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** Boots and stops, and returns all messages, and the recording. */
async function bootForStately() {
  const messages: StatelyMessage[] = [];
  let recording = '';
  const { boot } = bootUnderTest({
    pool: db.url,
    plugins: [definePlugin({ id: 'auth', init: () => {} })],
    record: (lines) => (recording += lines),
  });
  createStatelyAdapter(boot, { send: (message) => messages.push(message) });
  await boot.start();
  await boot.stop();
  return { messages, story: await readStory(recording.split('\n')) };
}

describe('the adapter for Stately', () => {
  it('sends what the receiver of @statelyai/inspect takes: every machine with its definition, events and states', async () => {
    const { messages } = await bootForStately();
    const received: StatelyInspectionEvent[] = [];
    const page = new ReceivingPage();
    createBrowserReceiver({ window: page.window }).subscribe((event) => void received.push(event));
    expect(page.handshake).toEqual([{ type: '@statelyai.connected' }]);
    const sent: readonly StatelyInspectionEvent[] = messages;
    for (const each of sent) page.post(structuredClone(each));
    expect(received).toEqual(sent);

    expect(received.filter(isActor).map(({ name }) => name)).toEqual(
      describeMachines().map(({ id }) => id),
    );
    const [root] = received;
    expect(received.every(({ rootId }) => rootId === root?.sessionId)).toBe(true);
    const states = received.flatMap((event) =>
      event.type === '@xstate.snapshot' && event.sessionId === root?.sessionId
        ? [[event.event.type, (event.snapshot as AnyMachineSnapshot).value, event.snapshot.status]]
        : [],
    );
    expect(states).toEqual([
      ['START', 'launching', 'active'],
      ['xstate.done.actor.launch', 'ready', 'active'],
      ['CLOSE', 'ready', 'active'],
      ['STOP', 'ready', 'active'],
      ['xstate.done.actor.changes', 'stopAll', 'active'],
      ['xstate.done.actor.stopAll', 'stopped', 'active'],
      ['', 'stopped', 'done'],
    ]);
  });

  it('sends the same messages for a recording as for the boot', async () => {
    const { messages, story } = await bootForStately();
    const again: StatelyMessage[] = [];
    createStatelyAdapter(story, { send: (message) => again.push(message) });
    expect(again).toEqual(messages);
  });

  it('writes definitions of which XState makes the same machines', async () => {
    const { messages } = await bootForStately();
    const made = messages.filter(isActor).map(({ definition }) => describeConfig(definition));
    expect(made).toEqual(describeMachines().map(onlyStates));
  });
});

const isActor = <Message extends { readonly type: string }>(
  message: Message,
): message is Extract<Message, { readonly type: '@xstate.actor' }> =>
  message.type === '@xstate.actor';

/** The states of a definition, and the events and targets of each, as XState reads them. */
function describeConfig(definition: string): unknown {
  const config = JSON.parse(definition) as MachineConfig<object, { type: string }>;
  const { id, root } = createMachine(config);
  return [
    id,
    Object.values(root.states).map((state) => [
      state.key,
      state.type === 'final',
      [...state.transitions.values(), state.always ?? []]
        .flat()
        .map(({ eventType, target, guard }) => [
          eventType.replace(/^xstate\.(done|error)\.actor/, '$1'),
          target?.[0]?.key,
          guard,
        ]),
    ]),
  ];
}

function onlyStates({ id, states }: MachineDescription): unknown {
  return [
    id,
    states.map(({ name, isFinal = false, transitions = [] }) => [
      name,
      isFinal,
      transitions.map(({ event, target, guard }) => [
        event === 'always' ? '' : event,
        target,
        guard,
      ]),
    ]),
  ];
}

/** As much of a window as the receiver uses. */
class ReceivingPage {
  readonly handshake: unknown[] = [];
  readonly #target = new EventTarget();

  get window(): object {
    const opener = { postMessage: (message: unknown) => this.handshake.push(message) };
    const addEventListener = this.#target.addEventListener.bind(this.#target);
    const page = { addEventListener, opener };
    return Object.assign(page, { self: page, top: page });
  }

  post(data: unknown): void {
    this.#target.dispatchEvent(new MessageEvent('message', { data }));
  }
}
