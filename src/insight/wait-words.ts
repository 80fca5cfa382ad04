import { joinNames, shorten } from '../core/printable.ts';
import type { Step } from '../core/steps.ts';
import type { WaitKind } from '../core/waits.ts';
import type { StepTimes } from './step-times.ts';

/** What is waited for, in plain words: `waits for its lock`. */
export const waitWords: Readonly<Record<WaitKind, string>> = {
  dependency: 'a plugin',
  gate: 'all plugins',
  slot: 'a slot',
  connection: 'a client',
  lock: 'its lock',
  retry: 'the next attempt',
  database: 'PostgreSQL',
};

/** What has to end before any plugin takes a step, or before the boot goes on. */
const gateWords: Readonly<Record<Step | 'survey', string>> = {
  // Another process migrates.
  survey: 'all migrations',
  migrate: 'the survey',
  init: 'all migrations',
  ready: 'all inits',
  stop: 'running steps',
};

/** Names what is waited for before or in a step: the plugin itself, where it is one. */
export function nameTarget(kind: WaitKind, step: string, plugins: readonly string[] = []): string {
  if (kind === 'gate' && step in gateWords) return gateWords[step as keyof typeof gateWords];
  return kind === 'dependency' && plugins.length > 0
    ? joinNames(shorten(plugins, 1))
    : waitWords[kind];
}

/**
 * Lists the plugins that are really waited for: of several, those that have not ended, the last to begin first. Of a wait that is
 * over, it is the plugin that ended last.
 */
export function listAwaited(
  times: StepTimes,
  step: Step,
  plugins: readonly string[],
): readonly string[] {
  const begin = (id: string): number => times.find(id, step)?.spawnedAtMs ?? -1;
  const open = plugins.filter((id) => times.find(id, step)?.finishedAtMs === undefined);
  return open.length > 0 ? open.toSorted((a, b) => begin(b) - begin(a)) : plugins.slice(-1);
}
