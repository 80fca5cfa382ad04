import type { Command, Run } from './command.ts';
import type { CommandName, CommandOf } from './command-table.ts';

type Loaders = {
  readonly [Name in CommandName]: () => Promise<{ readonly run: Run<CommandOf<Name>> }>;
};

/** The code of each command. It is imported when the command is called: the help needs none of it. */
const loaders: Loaders = {
  plan: () => import('./commands/plan.ts'),
  status: () => import('./commands/status.ts'),
  migrate: () => import('./commands/migrate.ts'),
  start: () => import('./commands/start.ts'),
  inspect: () => import('./commands/inspect.ts'),
  why: () => import('./commands/why.ts'),
  blame: () => import('./commands/blame.ts'),
  'critical-chain': () => import('./commands/critical-chain.ts'),
  timeline: () => import('./commands/timeline.ts'),
  'what-if': () => import('./commands/what-if.ts'),
  diff: () => import('./commands/diff.ts'),
  history: () => import('./commands/history.ts'),
  findings: () => import('./commands/findings.ts'),
  verify: () => import('./commands/verify.ts'),
  export: () => import('./commands/export.ts'),
  graph: () => import('./commands/graph.ts'),
  doctor: () => import('./commands/doctor.ts'),
  'repair baseline': () => import('./commands/repair.ts').then(({ baseline: run }) => ({ run })),
  'repair mark-applied': () =>
    import('./commands/repair.ts').then(({ markApplied: run }) => ({ run })),
  'repair accept-edited': () =>
    import('./commands/repair.ts').then(({ acceptEdited: run }) => ({ run })),
  'repair forget': () => import('./commands/repair.ts').then(({ forget: run }) => ({ run })),
  'repair relocate': () => import('./commands/repair.ts').then(({ relocate: run }) => ({ run })),
  'repair holder': () => import('./commands/repair-holder.ts'),
  init: () => import('./commands/init.ts'),
  complete: () => import('./commands/complete.ts'),
};

/** Imports a command. */
export async function loadCommand(name: CommandName): Promise<Run<Command>> {
  const { run } = await loaders[name]();
  // Its input was checked against the same row of the table.
  return run as unknown as Run<Command>;
}
