/** What repeated runs of one thing took. */
export interface Sample {
  readonly medianMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly runs: number;
}

/** Does something once and returns how long the part that counts took, in ms. */
export type Run = () => Promise<number>;

/** How often each rival runs, after how many runs that are not counted. */
export interface Rounds {
  readonly rounds: number;
  readonly warmUps: number;
}

/** Runs rivals in turn and samples their times. */
export async function measureInTurn<Name extends string>(
  rivals: Readonly<Record<Name, Run>>,
  rounds: Rounds,
): Promise<Readonly<Record<Name, Sample>>> {
  const names = Object.keys(rivals) as Name[];
  const times = await collectInTurn(names, (name) => rivals[name](), rounds);
  const samples = names.map((name) => [name, sampleOf(times[name])]);
  return Object.fromEntries(samples) as Record<Name, Sample>;
}

/**
 * Runs rivals in turn, and every other round in reverse: whatever else the machine does hits all of them alike. Calls
 * `beforeRound` before each round, also before one that is not counted.
 */
export async function collectInTurn<Name extends string, Outcome>(
  names: readonly Name[],
  run: (name: Name) => Promise<Outcome>,
  { rounds, warmUps }: Rounds,
  beforeRound: () => Promise<void> = async () => undefined,
): Promise<Readonly<Record<Name, readonly Outcome[]>>> {
  const outcomes = new Map(names.map((name): [Name, Outcome[]] => [name, []]));
  for (let round = -warmUps; round < rounds; round += 1) {
    await beforeRound();
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const outcome = await run(name);
      if (round >= 0) outcomes.get(name)?.push(outcome);
    }
  }
  return Object.fromEntries(outcomes) as unknown as Record<Name, readonly Outcome[]>;
}

/** The median, because one bad moment of a shared machine must not decide. */
export function sampleOf(times: readonly number[]): Sample {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  return {
    medianMs: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    lowMs: at(0),
    highMs: at(sorted.length - 1),
    runs: sorted.length,
  };
}
