import { chooseLevel } from '../../../core/event-levels.ts';
import { describeEvent } from '../../../insight/describe-event.ts';
import type { RecordedEvent } from '../../../insight/recorded-event.ts';

/** The groups of events that a reader can choose, each with its name. */
export const logGroups = {
  all: 'All events',
  problems: 'Warnings and errors',
  boot: 'Boot and phases',
  migrate: 'Migrations',
  init: 'Starts',
  ready: 'Ready hooks',
  stop: 'Stops',
} as const;
/** The name of a group. */
export type LogGroup = keyof typeof logGroups;

/** The reader's choice of events. */
export interface LogFilter {
  readonly group: LogGroup;
  /** Left out for every plugin. */
  readonly plugin?: string | undefined;
  /** In the name, the plugin or the sentence, in lower or upper case; empty for every text. */
  readonly text: string;
}

/** Filters the events of a boot. Events that were looked at already are not looked at again while more of them come. */
export class EventFilter {
  #events: readonly RecordedEvent[] = [];
  #key = '';
  #seen = 0;
  #kept: RecordedEvent[] = [];

  list(events: readonly RecordedEvent[], filter: LogFilter): readonly RecordedEvent[] {
    const key = JSON.stringify([filter.group, filter.plugin, filter.text]);
    if (events !== this.#events || key !== this.#key || events.length < this.#seen) {
      this.#events = events;
      this.#key = key;
      this.#seen = 0;
      this.#kept = [];
    }
    const isKept = createTest(filter);
    for (; this.#seen < events.length; this.#seen += 1) {
      const event = events[this.#seen];
      if (event && isKept(event)) this.#kept.push(event);
    }
    return this.#kept;
  }
}

function createTest({ group, plugin, text }: LogFilter): (event: RecordedEvent) => boolean {
  const searched = text.trim().toLowerCase();
  return (event) =>
    isInGroup(event, group) &&
    (plugin === undefined || readPlugin(event) === plugin) &&
    (searched === '' || readText(event).includes(searched));
}

/** The plugin of an event; `undefined` for those of the whole boot. */
export function readPlugin(event: RecordedEvent): string | undefined {
  return 'plugin' in event ? event.plugin : undefined;
}

function readLaunch({ launch }: RecordedEvent): string {
  return launch === undefined ? '' : `launch ${launch}`;
}

function isInGroup(event: RecordedEvent, group: LogGroup): boolean {
  switch (group) {
    case 'all':
      return true;
    case 'problems':
      return ['warn', 'error'].includes(chooseLevel(event));
    case 'boot':
      return !event.type.startsWith('plugin.');
    default:
      return event.type.startsWith(`plugin.${group}.`);
  }
}

const texts = new WeakMap<RecordedEvent, string>();

function readText(event: RecordedEvent): string {
  const known =
    texts.get(event) ??
    `${event.type} ${readPlugin(event) ?? ''} ${readLaunch(event)} ${describeEvent(event)}`.toLowerCase();
  texts.set(event, known);
  return known;
}
