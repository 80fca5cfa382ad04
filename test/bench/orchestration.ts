import { Pool } from 'pg';
import { createBoot } from 'slipway';
import { zeroTimePlugins } from './generated-plugins.ts';
import { sampleOf, type Sample } from './measure.ts';
import { shapes, type ShapeName } from './shapes.ts';

/** What boots of `plugins` plugins in one shape took, up and down. */
export interface OrchestrationCase {
  readonly shape: ShapeName;
  readonly plugins: number;
  readonly start: Sample;
  readonly stop: Sample;
}

export interface OrchestrationResult {
  /** The very first boot of this process, of code that Node has not compiled yet. */
  readonly first: { readonly plugins: number; readonly startMs: number };
  readonly cases: readonly OrchestrationCase[];
}

export interface OrchestrationOptions {
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly warmUps: number;
}

interface Times {
  readonly start: number[];
  readonly stop: number[];
}

/** Measures what Slipway itself costs: boots of plugins that do nothing. No connection is ever made. */
export async function measureOrchestration({
  sizes,
  rounds,
  warmUps,
}: OrchestrationOptions): Promise<OrchestrationResult> {
  const firstSize = Math.min(100, ...sizes.slice(-1));
  const [startMs] = await bootOnce('layers', firstSize);
  const cases = (Object.keys(shapes) as ShapeName[]).flatMap((shape) =>
    sizes.map((plugins) => ({ shape, plugins, times: { start: [], stop: [] } as Times })),
  );
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const { shape, plugins, times } of cases) {
      const [start, stop] = await bootOnce(shape, plugins);
      if (round < 0) continue;
      times.start.push(start);
      times.stop.push(stop);
    }
  }
  return {
    first: { plugins: firstSize, startMs },
    cases: cases.map(({ shape, plugins, times }) => {
      return { shape, plugins, start: sampleOf(times.start), stop: sampleOf(times.stop) };
    }),
  };
}

async function bootOnce(
  shape: ShapeName,
  count: number,
): Promise<readonly [start: number, stop: number]> {
  const plugins = zeroTimePlugins(count, shape);
  const pool = new Pool();
  try {
    const createdAt = performance.now();
    const boot = createBoot({ pool, plugins });
    await boot.start();
    const readyAt = performance.now();
    await boot.stop();
    return [readyAt - createdAt, performance.now() - readyAt];
  } finally {
    await pool.end();
  }
}
