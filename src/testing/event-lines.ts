import { bootEventNames } from '../core/event-meanings.ts';
import type { BootEvent, BootEventName, BootEvents } from '../core/events.ts';
import type { Phase } from '../core/steps.ts';
import { didYouMean } from '../core/suggest.ts';

type PluginEventName = {
  [Name in BootEventName]: 'plugin' extends keyof BootEvents[Name] ? Name : never;
}[BootEventName];

/**
 * Events in one line: those of a name, or only those of one plugin or one phase. A name that does not exist does not compile.
 *
 * @example
 * const lines: EventLine[] = ['phase.finished migrateAll', 'plugin.init.started catalog', 'boot.finished'];
 */
export type EventLine =
  | BootEventName
  | `${PluginEventName} ${string}`
  | `phase.${'started' | 'finished'} ${Phase}`;

/** The events that a line means. */
export type EventOf<Line extends EventLine> = Extract<BootEvent, { readonly type: NameIn<Line> }>;

type NameIn<Line extends EventLine> = Line extends BootEventName
  ? Line
  : Line extends `${infer Name extends BootEventName} ${string}`
    ? Name
    : never;

/**
 * Writes an event as a line: its name, with its plugin or its phase.
 *
 * @example writeLine(event) // 'plugin.init.started catalog'
 */
export function writeLine(event: BootEvent): string {
  if ('plugin' in event && event.plugin !== undefined) return `${event.type} ${event.plugin}`;
  if (event.type === 'phase.started' || event.type === 'phase.finished') {
    return `${event.type} ${event.phase}`;
  }
  return event.type;
}

/** Whether the event is one that the line means. */
export function isMeant(event: BootEvent, line: string): boolean {
  return event.type === line || writeLine(event) === line;
}

/** @throws TypeError for a line with a name that no event has: such a line would be waited for in vain. */
export function checkLine(line: string): void {
  const [name = ''] = line.split(' ', 1);
  const names: readonly string[] = bootEventNames;
  if (names.includes(name)) return;
  const meant = didYouMean(name, names);
  throw new TypeError(
    `No event has the name ${name}. ${meant ? `Did you mean ${meant}?` : 'bootEventNames has all of them.'}`,
  );
}
