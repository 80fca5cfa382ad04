import { availableParallelism, cpus, loadavg } from 'node:os';
import { withClient } from '../support/leaks.ts';
import { withMigratingPlugins } from './generated-plugins.ts';
import { measureOrchestration, type OrchestrationResult } from './orchestration.ts';
import { measureVersus, type VersusResult } from './versus.ts';

export const parts = ['orchestration', 'noop', 'fresh'] as const;
export type Part = (typeof parts)[number];

/** Where and when the figures come from. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly node: string;
  readonly postgres: string;
  /** The load average of the last minute, before the bench: how busy others kept the machine. */
  readonly loadBefore: number;
}

/** The figures of a run; a part that was left out is absent. */
export interface BenchResult {
  readonly machine: Machine;
  /** How many plugins the boots with migrations have. */
  readonly plugins: number;
  readonly orchestration?: OrchestrationResult;
  readonly versus: readonly VersusResult[];
}

export interface BenchOptions {
  /** Connection string of a user who may create databases. */
  readonly adminUrl: string;
  readonly only: readonly Part[];
  /** Whether it is enough to see that everything works. */
  readonly quick: boolean;
}

const addedMs = 1;

/** Runs the parts asked for, each twice as long as it has to be to be believed, or once to see that it works. */
export async function runBench({ adminUrl, only, quick }: BenchOptions): Promise<BenchResult> {
  const machine = await describeMachine(adminUrl);
  const count = quick ? 10 : 100;
  // First, so that its first boot is the first of the process.
  const orchestration = only.includes('orchestration')
    ? await measureOrchestration(
        quick
          ? { sizes: [10, 20], rounds: 1, warmUps: 0 }
          : { sizes: [10, 100, 1_000], rounds: 15, warmUps: 5 },
      )
    : undefined;
  const versus = await withMigratingPlugins(count, 'layers', async (plugins) => {
    const common = { adminUrl, plugins, addedMs };
    const few = { rounds: 1, warmUps: 0 };
    return [
      ...(only.includes('noop')
        ? await measureVersus({
            ...common,
            boot: 'no-op',
            ...(quick ? few : { rounds: 11, warmUps: 2 }),
          })
        : []),
      ...(only.includes('fresh')
        ? await measureVersus({
            ...common,
            boot: 'fresh',
            ...(quick ? few : { rounds: 5, warmUps: 1 }),
          })
        : []),
    ];
  });
  return { machine, plugins: count, ...(orchestration ? { orchestration } : {}), versus };
}

async function describeMachine(adminUrl: string): Promise<Machine> {
  const { rows } = await withClient(adminUrl, (client) =>
    client.query<{ version: string }>("select current_setting('server_version') as version"),
  );
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    postgres: rows[0]?.version ?? 'unknown',
    loadBefore: loadavg()[0] ?? 0,
  };
}
