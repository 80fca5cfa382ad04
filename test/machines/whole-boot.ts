import type { NamedPlugin } from './changing-plugins.ts';
import type { LaunchPlan } from './launch-plan.ts';
import {
  explain,
  PuppetBoot,
  PuppetStage,
  type Deed,
  type ProvideMachines,
} from './puppet-boot.ts';

/** What may happen in a whole boot. */
export interface BootCase {
  /** The plugins of each launch; the first is that of the boot itself. */
  readonly launches: readonly (readonly NamedPlugin[])[];
  /** How many removals are asked. */
  readonly removals: number;
  /** Whether everything succeeds until the boot is up, except the init of optional plugins. */
  readonly isSoonUp: boolean;
}

/** The widths of all whole boots. */
const widths = { migrate: 2, init: 2, ready: 2 };

/** Walks over all that can happen in a boot. A boot cannot be copied, so that every fork replays the way to it. */
export function exploreBoots(machines: ProvideMachines, boots: BootCase): number {
  const plan = (launch: number): LaunchPlan => ({
    launch,
    plugins: boots.launches[launch - 1] ?? [],
    upToDate: [],
    widths,
  });
  const stage = new PuppetStage(machines);
  const seen = new Set<string>();
  const forks: (readonly Deed[])[] = [[]];
  for (let fork = forks.pop(); fork; fork = forks.pop()) {
    const boot = new PuppetBoot(stage, plan);
    const way: Deed[] = [];
    const go = (deed: Deed): void => {
      way.push(deed);
      explain(way, () => boot.do(deed));
    };
    fork.forEach(go);
    for (let key = keyOf(boot, way); !seen.has(key); key = keyOf(boot, way)) {
      seen.add(key);
      const [next, ...others] = listDeeds(boot, way, boots);
      for (const other of others) forks.push([...way, other]);
      if (next) go(next);
    }
  }
  return seen.size;
}

function keyOf(boot: PuppetBoot, way: readonly Deed[]): string {
  return `${way.filter((deed) => /^(ADD|REMOVE)/.test(deed)).length} ${boot.view()}`;
}

/** What may happen next. */
function listDeeds(
  boot: PuppetBoot,
  way: readonly Deed[],
  { launches, removals, isSoonUp }: BootCase,
): readonly Deed[] {
  if (boot.isOver) return [];
  if (way.length === 0) return isSoonUp ? ['START'] : ['START', 'STOP'];
  if (isSoonUp && boot.watch.isLaunching) return listGoodEnds(boot, launches[0] ?? []);
  const isAsked = way.includes('STOP');
  const added = way.filter((deed) => deed.startsWith('ADD')).length;
  const removed = way.filter((deed) => deed.startsWith('REMOVE')).length;
  const mayChange = boot.watch.isReady && !isAsked;
  const mayRemove = mayChange && removed < removals;
  const ids = launches.flat().map(({ id }) => id);
  return [
    ...boot.live.flatMap((child) => boot.endsOf(child).map((status) => `${child} ${status}`)),
    ...(isAsked ? [] : ['STOP']),
    ...(mayChange && added + 1 < launches.length ? [`ADD ${added + 2}`] : []),
    ...(mayRemove ? ids.flatMap((id) => [`REMOVE ${id}`, `REMOVE ${id} and users`]) : []),
  ];
}

/** The ends on the way to a boot that is up, in one order. */
function listGoodEnds(boot: PuppetBoot, plugins: readonly NamedPlugin[]): readonly Deed[] {
  const [child = ''] = boot.live;
  const isOptional = plugins.some(({ id, required }) => child === `init.${id}` && !required);
  return isOptional ? [`${child} done`, `${child} failed`] : [`${child} done`];
}

/** Every way to split plugins into this many launches, so that none comes before what it needs. */
export function* splits(
  plugins: readonly NamedPlugin[],
  launches: number,
): Generator<readonly (readonly NamedPlugin[])[]> {
  const count = launches ** plugins.length;
  for (let number = 0; number < count; number += 1) {
    const launchOf = new Map(
      plugins.map(({ id }, index) => [id, Math.floor(number / launches ** index) % launches]),
    );
    const isInOrder = plugins.every(({ id, needs }) =>
      needs.every((other) => (launchOf.get(other) ?? 0) <= (launchOf.get(id) ?? 0)),
    );
    if (!isInOrder) continue;
    yield Array.from({ length: launches }, (_, launch) =>
      plugins.filter(({ id }) => launchOf.get(id) === launch),
    );
  }
}
