import type { NamedPlugin } from './changing-plugins.ts';

/** A task of a boot: `survey`, or `init` of a plugin. */
export interface TaskName {
  readonly task: string;
  readonly plugin: string;
}

export function nameTask({ task, plugin }: TaskName): string {
  return plugin ? `${task}.${plugin}` : task;
}

export interface LaunchPlan {
  /** 1 is the boot itself. */
  readonly launch: number;
  /** In topological order. Edges may lead to other launches. */
  readonly plugins: readonly NamedPlugin[];
  readonly upToDate: readonly string[];
  readonly widths: Readonly<Record<'migrate' | 'init' | 'ready', number>>;
}
