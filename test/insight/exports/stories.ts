import fc from 'fast-check';
import type { BootEvent } from '../../../src/core/events.ts';
import { storyOf, type Story, type Told } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import { anyBoot, plainPlugin, type StagedBoot, type StagedPlugin } from '../staged-plan.ts';

const calm: StagedPlugin = { ...plainPlugin, connectMs: 2, initMs: 20, readyMs: 5, stopMs: 3 };

/** A boot of plugins that differ from a calm one as they say. */
export function stage(
  plugins: readonly Partial<StagedPlugin>[],
  options: Partial<Omit<StagedBoot, 'plugins'>> = {},
): StagedBoot {
  return {
    migrateWidth: 4,
    initWidth: 4,
    discoverMs: 8,
    surveyMs: 30,
    registerMs: 1,
    ...options,
    plugins: plugins.map((plugin) => ({ ...calm, ...plugin })),
  };
}

/** Tells a staged boot, to its end or to `untilMs`. */
export async function tell(boot: StagedBoot, untilMs?: number): Promise<Story> {
  return storyOf(await runStaged(boot, untilMs));
}

/** The staged boot that the examples of the formats show: a lock, two files, a retry, a failure and what depends on it. */
export function tellExample(): Promise<Story> {
  return tell(
    stage([
      { files: [[12, 40], [25]], initMs: 15 },
      { needs: [0], lockedForMs: 60, files: [[8]], fileRetries: 1 },
      { after: [0], init: 'failed', initMs: 12, required: false },
      { needs: [2], required: false },
    ]),
  );
}

/** Tells a boot of many plugins, each of which needs some earlier ones. */
export function tellMany(count: number): Promise<Story> {
  const plugins = Array.from({ length: count }, (_, at) => ({
    needs: at < 7 ? [] : [at % 7, at - 1 - (at % 5)],
    files: at % 3 === 0 ? [[4, (at * 7) % 40], [3]] : [],
    lockedForMs: at % 40 === 7 ? 120 : 0,
    initMs: 5 + ((at * 13) % 90),
  }));
  return tell(stage(plugins, { migrateWidth: 8, initWidth: 16 }));
}

/** Any staged boot, whole or as it stands at some moment. */
export const anyStory: fc.Arbitrary<{ readonly boot: StagedBoot; readonly untilMs?: number }> = fc
  .tuple(anyBoot(), fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }))
  .map(([boot, untilMs]) => ({ boot, ...(untilMs !== undefined && { untilMs }) }));

/** Names that break a format that does not escape them. */
export const hostileNames = [
  'a"b\'c`d\\e',
  '</script><script>alert(1)</script><!-- --> ]]>',
  '| a | b |\n# heading\n- @everyone ![x](https://evil.example/x.png)',
  '\u001B[2J\u0000\u0007\uFFFE\uD800 \u202Eevil',
  'title: x, end; #1 %%{init: {"theme":"dark"}}%% subgraph end',
  '🚢 end',
  'click n0 href "javascript:alert(1)"',
  '-->|x|"]; B[["',
  `${'x'.repeat(5_000)}${'🚢'.repeat(2_500)}`,
] as const;

/** Lets the texts that Slipway does not choose be hostile: files, messages, holders of locks, reasons. */
export function makeHostile(told: Told, name: string): Told {
  const replace = (value: unknown, key: string): unknown => {
    if (value instanceof Error) return Object.assign(new Error(name), { code: name });
    if (Array.isArray(value)) return value.map((each) => replace(each, key));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([inner, each]) => [inner, replace(each, inner)]),
      );
    }
    return typeof value === 'string' && foreign.has(key) ? name : value;
  };
  const events = told.events.map((event) => replace(event, '') as BootEvent);
  return { id: told.id, elapsedMs: told.elapsedMs, events };
}

const foreign = new Set([
  'file',
  'applicationName',
  'because',
  'command',
  'host',
  'message',
  'pending',
  'reason',
  'relation',
  'schema',
]);

/** Gives a plugin of a staged boot another id. */
export function rename(told: Told, from: string, to: string): Told {
  const events = told.events.map((event) =>
    Object.fromEntries(
      Object.entries(event).map(([key, value]) => [key, renameIn(value as unknown, from, to)]),
    ),
  );
  return { ...told, events: events as unknown as readonly BootEvent[] };
}

function renameIn(value: unknown, from: string, to: string): unknown {
  if (value === from) return to;
  if (Array.isArray(value)) return value.map((each) => renameIn(each, from, to));
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, renameIn(each, from, to)]),
  );
}
