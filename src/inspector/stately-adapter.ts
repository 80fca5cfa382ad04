import type { MachineDescription } from '../core/machine-records.ts';
import type { MachineLine, RecordingHeader, RecordingLine } from '../insight/recording.ts';
import { Story } from '../insight/story.ts';
import { writeRecording } from '../insight/write-recording.ts';
import { createRecorder, type Recorded } from '../record/create-recorder.ts';
import { toStatelyDefinition, toXStateEvent } from './stately-definition.ts';

/** The version of `@statelyai/inspect` whose messages these are. */
const version = '0.7.2';

interface OfActor {
  readonly sessionId: string;
  readonly rootId: string;
  readonly id: string;
  /** In ms since 1970. */
  readonly createdAt: string;
  readonly _version: string;
}

interface StatelySnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  /** The name of the state. */
  readonly value: string;
  readonly context: Record<string, never>;
  readonly output: undefined;
  readonly error: undefined;
}

/** A message of the protocol of `@statelyai/inspect`. It has the names of states and events, and no data. */
export type StatelyMessage =
  | (OfActor & {
      readonly type: '@xstate.actor';
      readonly name: string;
      readonly parentId: string | undefined;
      /** The machine as the JSON of a definition of XState. */
      readonly definition: string;
      readonly snapshot: StatelySnapshot;
    })
  | (OfActor & {
      readonly type: '@xstate.event';
      readonly event: { readonly type: string };
      readonly sourceId: string | undefined;
    })
  | (OfActor & {
      readonly type: '@xstate.snapshot';
      readonly event: { readonly type: string };
      readonly snapshot: StatelySnapshot;
    });

/**
 * Sends the machines of a boot to an inspector of Stately. `to` is the `adapter` of an inspector of `@statelyai/inspect`, or
 * anything that takes its messages. A boot that runs is followed from its start to its end, a story is sent as a whole.
 *
 * @returns A function that ends it.
 * @throws BootError `RECORDING_UNREADABLE` when the boot of a story has not begun
 * @example
 * const { adapter } = createWebSocketInspector({ url: 'ws://localhost:8080' });
 * createStatelyAdapter(boot, adapter);
 */
export function createStatelyAdapter(
  source: Recorded | Story,
  to: { send(message: StatelyMessage): unknown },
): () => void {
  const translate = new StatelyTranslation((message) => void to.send(message));
  if (!(source instanceof Story)) return createRecorder(source, { write: translate.addLines });
  translate.addLines(writeRecording(source).join('\n'));
  return () => {};
}

type WithoutActor<T> = T extends unknown ? Omit<T, keyof OfActor> : never;

/** Translates the lines of a recording to messages. */
class StatelyTranslation {
  readonly #send: (message: StatelyMessage) => void;
  readonly #machines = new Map<string, MachineDescription>();
  /** The state of each machine that is alive, by its `ref`. */
  readonly #states = new Map<string, string>();
  #startedAt = 0;
  #root = '';
  #count = 0;

  constructor(send: (message: StatelyMessage) => void) {
    this.#send = send;
  }

  readonly addLines = (lines: string): void => {
    for (const text of lines.split('\n')) {
      if (text === '') continue;
      const line = JSON.parse(text) as RecordingHeader | RecordingLine;
      if ('format' in line) this.#takeHeader(line);
      else if (isMachineLine(line)) this.#take(line);
    }
  };

  #takeHeader({ startedAt, machines }: RecordingHeader): void {
    this.#startedAt = startedAt;
    for (const machine of machines) this.#machines.set(machine.id, machine);
  }

  #take(line: MachineLine): void {
    switch (line.type) {
      case 'machine.actor': {
        const { ref, id, src, parent, state = '' } = line;
        if (parent === undefined) this.#root = ref;
        const machine = this.#machines.get(src);
        this.#states.set(ref, state);
        this.#put(line, {
          type: '@xstate.actor',
          name: id,
          parentId: parent,
          definition: machine ? toStatelyDefinition(machine) : JSON.stringify({ id }),
          snapshot: this.#snapshot(ref, 'active'),
        });
        break;
      }
      case 'machine.transition': {
        const { ref, source, from, to = from } = line;
        const event = { type: toXStateEvent(line.event) };
        // `always` needs no event.
        if (event.type !== '') this.#put(line, { type: '@xstate.event', event, sourceId: source });
        this.#states.set(ref, to);
        this.#put(line, {
          type: '@xstate.snapshot',
          event,
          snapshot: this.#snapshot(ref, 'active'),
        });
        break;
      }
      case 'machine.ended': {
        const { ref, status } = line;
        const snapshot = this.#snapshot(ref, status);
        this.#put(line, { type: '@xstate.snapshot', event: { type: '' }, snapshot });
        this.#states.delete(ref);
        break;
      }
    }
  }

  #snapshot(ref: string, status: StatelySnapshot['status']): StatelySnapshot {
    const value = this.#states.get(ref) ?? '';
    return { status, value, context: {}, output: undefined, error: undefined };
  }

  #put({ ref, t }: MachineLine, message: WithoutActor<StatelyMessage>): void {
    this.#count += 1;
    this.#send({
      ...message,
      sessionId: ref,
      rootId: this.#root,
      id: String(this.#count),
      createdAt: String(Math.round(this.#startedAt + t)),
      _version: version,
    });
  }
}

function isMachineLine(line: RecordingLine): line is MachineLine {
  return line.type.startsWith('machine.');
}
