import { Pool } from 'pg';
import { createBoot } from 'slipway';
import { zeroTimePlugins } from './generated-plugins.ts';
import { sampleOf, type Rounds, type Sample } from './measure.ts';
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

const shapeNames = Object.keys(shapes) as ShapeName[];
const firstSize = 100;

/** Measures what Slipway itself costs: boots of plugins that do nothing. No connection is ever made. */
export async function measureOrchestration(
  sizes: readonly number[],
  { rounds, warmUps }: Rounds,
): Promise<OrchestrationResult> {
  const { start: startMs } = await bootOnce('layers', firstSize);
  const cases = shapeNames.flatMap((shape) =>
    sizes.map((plugins) => ({ shape, plugins, times: [] as Times[] })),
  );
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const { shape, plugins, times } of cases) {
      const time = await bootOnce(shape, plugins);
      if (round >= 0) times.push(time);
    }
  }
  return {
    first: { plugins: firstSize, startMs },
    cases: cases.map(({ shape, plugins, times }) => ({
      shape,
      plugins,
      start: sampleOf(times.map(({ start }) => start)),
      stop: sampleOf(times.map(({ stop }) => stop)),
    })),
  };
}

/** How long one boot took to come up and to go down, in ms. */
interface Times {
  readonly start: number;
  readonly stop: number;
}

async function bootOnce(shape: ShapeName, count: number): Promise<Times> {
  const plugins = zeroTimePlugins(count, shape);
  const pool = new Pool();
  try {
    const createdAt = performance.now();
    const boot = createBoot({ pool, plugins });
    await boot.start();
    const readyAt = performance.now();
    await boot.stop();
    return { start: readyAt - createdAt, stop: performance.now() - readyAt };
  } finally {
    await pool.end();
  }
}
