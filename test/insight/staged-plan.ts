import fc from 'fast-check';

/** How a step ends. */
export type Ending = 'done' | 'failed' | 'timeout';

/** How one plugin behaves in a staged boot. Times are in ms. */
export interface StagedPlugin {
  /** Plugins before it in the list, by index. */
  readonly needs: readonly number[];
  readonly after: readonly number[];
  readonly required: boolean;
  readonly connectMs: number;
  /** How long PostgreSQL takes to say whether the lock is free. */
  readonly lockMs: number;
  /** Until when, counted from its first attempt, another process has the lock. */
  readonly lockedForMs: number;
  /** The statements of each pending file, by how long they take; none are pending when it is empty. */
  readonly files: readonly (readonly number[])[];
  /** How often the first file is rolled back and tried again. */
  readonly fileRetries: number;
  readonly migrate: Ending;
  readonly initMs: number;
  readonly initRetries: number;
  readonly init: Ending;
  readonly readyMs: number;
  readonly stopMs: number;
}

/** A boot with real machines on a clock that only the test moves, and with tasks that do as they are told. */
export interface StagedBoot {
  readonly plugins: readonly StagedPlugin[];
  readonly migrateWidth: number;
  readonly initWidth: number;
  readonly discoverMs: number;
  readonly surveyMs: number;
  /** The time of the flush; left out when there is nothing to flush. */
  readonly flushMs?: number | undefined;
  readonly registerMs: number;
  /** Whether the plugins start after the migrations; by default they do. */
  readonly until?: 'ready' | 'migrated';
  /** When the boot is stopped. */
  readonly stopAtMs?: number | undefined;
}

/** A plugin that has nothing to migrate, is quick, and succeeds. */
export const plainPlugin: StagedPlugin = {
  needs: [],
  after: [],
  required: true,
  connectMs: 1,
  lockMs: 0,
  lockedForMs: 0,
  files: [],
  fileRetries: 0,
  migrate: 'done',
  initMs: 1,
  initRetries: 0,
  init: 'done',
  readyMs: 0,
  stopMs: 0,
};

const quick: StagedPlugin = { ...plainPlugin, initMs: 10, readyMs: 1, stopMs: 1 };

/** Sets the stage for plugins that are quick and succeed, except where they say so. */
export const stageBoot = (...plugins: readonly Partial<StagedPlugin>[]): StagedBoot => ({
  plugins: plugins.map((plugin) => ({ ...quick, ...plugin })),
  migrateWidth: 2,
  initWidth: 2,
  discoverMs: 1,
  surveyMs: 1,
  registerMs: 1,
});

/** The id of the plugin at this place. */
export const nameAt = (index: number): string => `p${index}`;

/** Any boot of up to `most` plugins. */
export function anyBoot(most = 6): fc.Arbitrary<StagedBoot> {
  const ms = fc.integer({ min: 0, max: 40 });
  const mostlyDone = fc.oneof(
    { arbitrary: fc.constant<Ending>('done'), weight: 12 },
    { arbitrary: fc.constantFrom<Ending>('failed', 'timeout'), weight: 1 },
  );
  const plugin = (index: number): fc.Arbitrary<StagedPlugin> =>
    fc
      .record({
        earlier: fc.array(fc.constantFrom('none', 'none', 'needs', 'after'), {
          minLength: index,
          maxLength: index,
        }),
        required: fc.boolean(),
        connectMs: ms,
        lockMs: fc.constantFrom(0, 0, 1, 10),
        lockedForMs: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 300 })),
        files: fc.array(fc.array(ms, { maxLength: 3 }), { maxLength: 3 }),
        fileRetries: fc.constantFrom(0, 0, 0, 1, 2),
        migrate: mostlyDone,
        initMs: ms,
        initRetries: fc.constantFrom(0, 0, 0, 1, 2),
        init: mostlyDone,
        readyMs: ms,
        stopMs: ms,
      })
      .map(({ earlier, ...rest }) => ({
        ...rest,
        needs: earlier.flatMap((kind, at) => (kind === 'needs' ? [at] : [])),
        after: earlier.flatMap((kind, at) => (kind === 'after' ? [at] : [])),
      }));
  return fc.record({
    plugins: fc
      .integer({ min: 0, max: most })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, at) => plugin(at)))),
    migrateWidth: fc.integer({ min: 1, max: 4 }),
    initWidth: fc.integer({ min: 1, max: 4 }),
    discoverMs: ms,
    surveyMs: ms,
    flushMs: fc.option(ms, { nil: undefined }),
    registerMs: ms,
    until: fc.constantFrom('ready', 'ready', 'ready', 'migrated'),
    stopAtMs: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined, freq: 5 }),
  });
}
