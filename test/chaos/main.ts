import { parseArgs } from 'node:util';
import { runChaos } from './chaos.ts';

/**
 * Boots replicas among faults until its time is up: `node --import jiti/register test/chaos/main.ts --minutes 30 --seed 7`,
 * after `npm run build`. `--round 12` does that one again, and nothing else. With
 * `--grow` replicas also add plugins while they are up, and remove them.
 */

const usage =
  'Usage: node --import jiti/register test/chaos/main.ts [--minutes 5] [--seed 1] [--round N] [--grow]';

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly round: number | undefined;
  readonly grow: boolean;
}

function readFlags(): Flags | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: '1' },
        round: { type: 'string' },
        grow: { type: 'boolean', default: false },
      },
    });
    const round = values.round === undefined ? undefined : Number(values.round);
    const { grow } = values;
    const flags = { minutes: Number(values.minutes), seed: Number(values.seed), round, grow };
    const isGood =
      flags.minutes > 0 && Number.isInteger(flags.seed) && Number.isInteger(round ?? 1);
    return isGood ? flags : undefined;
  } catch {
    return undefined;
  }
}

function* from(first: number): Generator<number> {
  for (let round = first; ; round++) yield round;
}

const flags = readFlags();
if (!flags) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const { minutes, seed, round, grow } = flags;
  const { deviations, ...total } = await runChaos({
    seed,
    minutes,
    grows: grow,
    rounds: round === undefined ? from(1) : [round],
    write: (line) => console.log(line),
  });
  const { rounds, replicas, faults } = total;
  console.log(`${rounds} rounds, ${replicas} replicas, ${faults} faults, seed ${seed}`);
  for (const deviation of deviations) console.log(deviation);
  console.log(deviations.length === 0 ? 'No deviation' : `${deviations.length} deviations`);
  process.exitCode = deviations.length === 0 ? 0 : 1;
}
