import fc from 'fast-check';
import { named, type NamedPlugin } from './changing-plugins.ts';
import type { LaunchPlan } from './launch-plan.ts';
import { explain, PuppetBoot, type Deed, type PuppetStage } from './puppet-boot.ts';

/** A boot to be: its plugins by launch, and what chooses among all that may happen. */
export interface RandomBoot {
  readonly launches: readonly (readonly NamedPlugin[])[];
  readonly upToDate: readonly string[];
  readonly widths: LaunchPlan['widths'];
  readonly choices: readonly number[];
}

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** An edge to each earlier plugin, as a number: most are none. */
const edges = fc.array(fc.nat({ max: 11 }), { minLength: ids.length, maxLength: ids.length });

const plugin = fc.record({
  required: fc.boolean(),
  isUpToDate: fc.nat({ max: 4 }).map((number) => number === 1),
  launch: fc.nat({ max: 4 }).map((number) => Math.max(0, number - 2)),
  edges,
});

export const randomBoots: fc.Arbitrary<RandomBoot> = fc
  .record({
    plugins: fc.noBias(fc.array(plugin, { minLength: 1, maxLength: ids.length, size: 'max' })),
    migrate: fc.integer({ min: 1, max: 3 }),
    init: fc.integer({ min: 1, max: 3 }),
    choices: fc.noBias(fc.array(fc.nat({ max: 9999 }), { maxLength: 240, size: 'max' })),
  })
  .map(({ plugins, migrate, init, choices }) => {
    const launchOf = new Map<string, number>();
    const all = plugins.map(({ required, launch, edges: kinds }, index) => {
      const id = ids[index] ?? '';
      const to = (...which: number[]): string[] =>
        ids.slice(0, index).filter((_, at) => which.includes(kinds[at] ?? 0));
      const needs = to(1, 2);
      // None comes before what it needs.
      launchOf.set(id, Math.max(launch, ...needs.map((other) => launchOf.get(other) ?? 0)));
      return named(id, { required, needs, after: to(3, 4), uses: to(4) });
    });
    const count = Math.max(...launchOf.values()) + 1;
    return {
      launches: Array.from({ length: count }, (_, launch) =>
        all.filter(({ id }) => launchOf.get(id) === launch),
      ),
      upToDate: all.flatMap(({ id }, index) => (plugins[index]?.isUpToDate ? [id] : [])),
      widths: { migrate, init, ready: init },
      choices,
    };
  });

const mostDeeds = 1_000;

/** Runs a boot to its end under a watch. Returns the way that it took. */
export function runRandomBoot(stage: PuppetStage, random: RandomBoot): readonly Deed[] {
  const { launches, upToDate, widths, choices } = random;
  const boot = new PuppetBoot(stage, (launch) => {
    // After the last one the launches come again: their plugins may have been removed.
    const plugins = launches[(launch - 1) % launches.length] ?? [];
    return { launch, plugins, upToDate, widths };
  });
  const way: Deed[] = [];
  while (!boot.isOver && way.length < mostDeeds) {
    const number = choices[way.length];
    const deed = number === undefined ? chooseEnd(boot, way) : choose(listDeeds(boot, way), number);
    way.push(deed);
    explain(way, () => boot.do(deed));
  }
  if (!boot.isOver) throw new Error(`No end after ${way.join(' → ')}`);
  return way;
}

type Weighted = readonly (readonly [deed: Deed, weight: number])[];

function choose(deeds: Weighted, number: number): Deed {
  const sum = deeds.reduce((total, [, weight]) => total + weight, 0);
  let left = (number / 10_000) * sum;
  for (const [deed, weight] of deeds) {
    if (left < weight) return deed;
    left -= weight;
  }
  return deeds.at(-1)?.[0] ?? 'STOP';
}

const weights: Readonly<Record<string, number>> = { done: 60, canceled: 60, locked: 8, failed: 1 };

/** What may happen next. Most tasks succeed, so that most boots come far. */
function listDeeds(boot: PuppetBoot, way: readonly Deed[]): Weighted {
  const { isReady, up } = boot.watch;
  const ends = boot.live.flatMap((child) =>
    boot.allEndsOf(child).map((status) => [`${child} ${status}`, weights[status] ?? 0.5] as const),
  );
  const next = way.filter((deed) => deed.startsWith('ADD')).length + 2;
  const isIdle = isReady && boot.live.length === 0;
  const removals = [...up.plugins.map(({ id }) => id), 'absent'].flatMap((id): Weighted => [
    [`REMOVE ${id}`, 0.5],
    [`REMOVE ${id} and users`, 1],
  ]);
  return [
    ...ends,
    ['START', way.includes('START') ? 0.1 : 40],
    [`ADD ${next}`, isReady ? 4 : 0.1],
    ...(isReady ? removals : []),
    ['STOP', isIdle ? 0.2 : 0.8],
  ];
}

/** Brings a boot to its end. */
function chooseEnd(boot: PuppetBoot, way: readonly Deed[]): Deed {
  const [child] = boot.live;
  if (child) return `${child} ${boot.endsOf(child)[0] ?? ''}`;
  return way.includes('START') ? 'STOP' : 'START';
}
