import { describe, expect, it } from 'vitest';
import { exportStory, headline, readStory, storyOf, verify } from '../../src/insight.ts';
import type { OtlpTraces } from '../../src/insight/exports/otlp.ts';
import { findings } from '../../src/insight/findings.ts';
import { listChanges } from '../../src/insight/list-changes.ts';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';
import { Story } from '../../src/insight/story.ts';
import { describeStatus, writeStatus } from '../../src/insight/status.ts';
import { definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { authApi, firstPlugins, grow, recordLines } from '../support/growing-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function grown(): Promise<{ readonly story: Story; readonly recorded: Story }> {
  const underTest = bootUnderTest({ pool: db.url, plugins: firstPlugins });
  const readLines = recordLines(underTest);
  await grow(underTest);
  await underTest.boot.stop();
  const recorded = await readStory(readLines().split('\n'));
  return { story: storyOf(underTest.boot), recorded };
}

const says = (story: Story): readonly string[] =>
  listChanges(story.record).map((each) => each.says);
const statusOf = (story: Story, id: string): string | undefined => {
  const plugin = story.record.find(id);
  return plugin && writeStatus(describeStatus(story.times, plugin));
};

describe('the story of a launch', () => {
  it('is the same of a boot in this process and of its recording', async () => {
    for (const story of Object.values(await grown())) {
      const [added, failed] = story.launches;
      expect(added && headline(added)).toMatch(/^All 2 plugins are up after /);
      expect(failed && headline(failed)).toMatch(
        /^The launch failed after .*: broken failed to start: no light$/,
      );
      expect(story.findLaunch(3)?.launch).toBe(3);
      expect(story.findLaunch(4)).toBeUndefined();
      expect(verify(story)).toEqual([]);
    }
  });

  it('is that of a launch at each moment, too', async () => {
    const { story } = await grown();
    const [, failed] = story.launches;
    const middle = failed?.at(0);
    expect(middle?.launch).toBe(3);
    expect(middle && headline(middle)).toMatch(/^The launch /);
    expect(failed?.record.stoppedAtMs).toBe(failed?.record.finished?.atMs);
  });

  it('has no finding about the time before the boot', async () => {
    const { story } = await grown();
    const ids = story.launches.flatMap((launch) => findings(launch).map(({ id }) => id));
    expect(ids).not.toContain('slow-imports');
  });
});

describe('what came and went', () => {
  it('is listed in its order, with the reasons', async () => {
    const { story } = await grown();
    expect(says(story)).toEqual([
      'launch 2 has added reviews and stars',
      'launch 3 has failed to add broken: broken failed to start: no light',
      'auth was not removed: reviews uses it',
      'audit was removed',
    ]);
    expect(story.launches.map(says)).toEqual([[], []]);
    expect(statusOf(story, 'audit')).toBe('was removed');
    expect(statusOf(story, 'auth')).toBe('has stopped');
  });

  it('is kept once, however often a plugin with the same id comes and goes', async () => {
    const { boot } = bootUnderTest({ plugins: firstPlugins, pool: db.url });
    await boot.start();
    const kept: number[] = [];
    for (let cycle = 1; cycle <= 5; cycle += 1) {
      await boot.add([definePlugin({ id: 'guest' })]);
      await boot.remove('guest');
      const { launches } = storyOf(boot);
      expect(launches.map(({ record }) => record.removals.length)).toEqual(Array(cycle).fill(1));
      kept.push(launches.reduce((sum, { events }) => sum + events.length, 0));
    }
    const [perCycle = 0] = kept;
    expect(kept).toEqual([1, 2, 3, 4, 5].map((cycles) => cycles * perCycle));
    const [first] = storyOf(boot).launches;
    expect(first && says(first)).toEqual(['guest was removed']);
  });

  it('names what is missing, and what never had its turn', async () => {
    const underTest = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    const { boot } = underTest;
    await boot.start();
    const lost = definePlugin({
      id: 'lost',
      required: false,
      init() {
        throw new Error('dark');
      },
    });
    await boot.add([lost, definePlugin({ id: 'kept', init() {} })]);
    await boot.add({ ...lost, id: 'other' });
    const removing = boot.remove('audit');
    expect(says(storyOf(boot)).at(-1)).toBe('audit is being removed');
    const waiting = failureOf(boot.add(definePlugin({ id: 'late' })));
    const kept = failureOf(boot.remove('kept'));
    await boot.stop();
    await Promise.all([removing, waiting, kept]);
    expect(says(storyOf(boot))).toEqual([
      'launch 2 has added kept without lost',
      'launch 3 has added nothing, for other did not start',
      'audit was removed',
      'launch 4 was canceled before its turn',
      'kept was not removed: the boot stopped first',
    ]);
  });
});

describe('verify', () => {
  it('finds a removed plugin that another one still needed, also when no launch has added any', async () => {
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [...firstPlugins, definePlugin({ id: 'orders', deps: { authApi }, init() {} })],
    });
    await boot.start();
    await boot.remove('auth', { dependents: 'stop' });
    const { bootId, events } = storyOf(boot);
    expect(verify(storyOf(boot))).toEqual([]);
    const withoutOrders = events
      .filter(
        ({ type, ...rest }) =>
          !type.startsWith('plugin.stop.') || !('plugin' in rest) || rest.plugin !== 'orders',
      )
      .map((event, at) => {
        const plugins = event.type.startsWith('removal.') && { plugins: ['auth'] };
        return { ...event, ...plugins, seq: at + 1 } as RecordedEvent;
      });
    const violations = verify(new Story({ bootId, events: withoutOrders, end: 'running' }));
    expect(violations.map(({ rule, message }) => [rule, message])).toEqual([
      ['stop-order', 'stop of auth begins while orders, which needs it, is up'],
    ]);
  });
});

describe('an exported launch', () => {
  it('has its own trace and a link to the boot as OTLP', async () => {
    const { story } = await grown();
    const spansOf = (of: Story) => {
      const { resourceSpans } = JSON.parse(exportStory(of, 'otlp')) as OtlpTraces;
      return resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    };
    const [boot] = spansOf(story);
    const [launch] = spansOf(story.launches[0]!);
    expect(launch?.name).toBe('slipway launch');
    expect(launch?.traceId).not.toBe(boot?.traceId);
    expect(launch?.links).toMatchObject([{ traceId: boot?.traceId, spanId: boot?.spanId }]);
    expect(boot?.links).toEqual([]);
  });

  it('has plugins that were up before in its graph', async () => {
    const { story } = await grown();
    const [launch] = story.launches;
    expect(exportStory(launch!, 'dot')).toContain(String.raw`"auth" [label="auth\nwas up before"`);
    const mermaid = exportStory(launch!, 'mermaid-graph');
    expect(mermaid).toMatch(/n2\["auth<br\/>was up before"\]:::before/);
    expect(mermaid).toContain('n2 --> n0');
    expect(exportStory(story, 'dot')).not.toContain('was up before');
  });

  it('is listed in the Markdown of the boot, and names itself', async () => {
    const { story } = await grown();
    const text = exportStory(story, 'markdown');
    expect(text).toMatch(
      /## Added and removed\n\n- launch 2 has added reviews and stars \(at .*, took .*\)\n- launch 3 /,
    );
    const own = exportStory(story.launches[1]!, 'markdown');
    expect(own).toContain('- Launch: 3\n');
    expect(own).not.toContain('## Added and removed');
  });

  it.each(['trace', 'svg', 'mermaid'] as const)('draws its plugins as %s', async (format) => {
    const { story } = await grown();
    const text = exportStory(story.launches[0]!, format);
    expect(text).toContain('stars');
    expect(text).not.toContain('audit');
  });
});
