/** A plugin with its place in the order of the graph. */
interface PlacedPlugin {
  readonly id: string;
  readonly index: number;
}

/** The moment when a step gave its slot back: it ended, or it found its lock taken. */
export interface Release {
  readonly plugin: PlacedPlugin;
  readonly atMs: number;
}

/**
 * The moments of one step of all plugins. They are kept with each event: a boot that runs is asked about them at each of its
 * events, and to collect them each time would take a time that grows with the square of the plugins.
 */
export interface StepMoments {
  /** When a plugin first got a slot for this step, or ended it without one. */
  startMs?: number;
  /** When a plugin last ended it; 0 before. */
  endMs: number;
  /** How many plugins have ended it. */
  ended: number;
  /** In order of time; of those at the same time, the last plugin in the graph comes last. */
  readonly releases: Release[];
}

/** Begins the moments of a step: no plugin has reached it. */
export function createMoments(): StepMoments {
  return { endMs: 0, ended: 0, releases: [] };
}

/**
 * Adds that a plugin has ended the step.
 *
 * @param hadSlot Whether it gives a slot back.
 */
export function addEnd(
  moments: StepMoments,
  plugin: PlacedPlugin,
  atMs: number,
  hadSlot: boolean,
): void {
  moments.startMs ??= atMs;
  moments.endMs = atMs;
  moments.ended += 1;
  if (hadSlot) addRelease(moments, plugin, atMs);
}

/** Adds a release. Its time may be before that of others: a wait for a lock is reported after it began. */
export function addRelease({ releases }: StepMoments, plugin: PlacedPlugin, atMs: number): void {
  releases.splice(countUntil(releases, atMs, plugin.index), 0, { plugin, atMs });
}

/** Finds the last slot that was given back in a time, and the plugin that had it. */
export function findRelease(
  { releases }: StepMoments,
  afterMs: number,
  untilMs: number,
): Release | undefined {
  const release = releases[countUntil(releases, untilMs) - 1];
  return release && release.atMs > afterMs ? release : undefined;
}

/** Counts the releases until a time, by halving. Of those at that time, it counts the plugins until an index. */
function countUntil(releases: readonly Release[], untilMs: number, index = Infinity): number {
  let low = 0;
  let high = releases.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const release = releases[middle];
    if (release && (release.atMs - untilMs || release.plugin.index - index) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
