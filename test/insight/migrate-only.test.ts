import { describe, expect, it } from 'vitest';
import {
  criticalChain,
  findings,
  headline,
  storyOf,
  timeline,
  waits,
  why,
} from '../../src/insight.ts';
import { exportStory } from '../../src/insight/exports/export-story.ts';
import { describeStatus } from '../../src/insight/status.ts';
import type { BootEvent } from '../../src/core/events.ts';
import { runStaged } from './staged-boot.ts';
import { stage, tell } from './exports/stories.ts';

const meant = 'This boot was asked to migrate only, and was not meant to start plugins';

/** The second plugin needs the first one, and the third has nothing to migrate. */
const plugins = [{ files: [[10], [10]] }, { needs: [0], files: [[50]] }, {}] as const;
const migrateOnly = stage(plugins, { until: 'migrated' });

/** The second plugin fails, and the third needs it. */
const breaking = (required: boolean) =>
  stage(
    [
      { files: [[10]] },
      { files: [[10]], migrate: 'failed', required },
      { needs: [1], files: [[10]], required },
    ],
    { until: 'migrated' },
  );

describe('a boot that only migrates', () => {
  it('explains what the migrations of each plugin did, and that it was not meant to start', async () => {
    const story = await tell(migrateOnly);
    const explain = (id: string) => why(story, id);
    expect(explain('p0')).toEqual({
      sentence: `p0 is migrated: 2 files applied in 20ms (0.sql and 1.sql). ${meant}`,
      chain: [expect.objectContaining({ plugin: 'p0', step: 'migrate', kind: 'migrated' })],
    });
    expect(explain('p1').sentence).toBe(`p1 is migrated: 1 file applied in 50ms (0.sql). ${meant}`);
    expect(explain('p2').sentence).toBe(`p2 was up to date: no file was pending. ${meant}`);
  });

  it('lets no plugin wait for a start at any moment', async () => {
    const whole = await tell(migrateOnly);
    for (let ms = 0; ms <= whole.endMs; ms += 1) {
      const story = whole.at(ms);
      for (const { init, ready, stop } of waits(story)) {
        expect([init.wallMs, ready.wallMs, stop.wallMs]).toEqual([0, 0, 0]);
      }
      const drawn = timeline(story).lanes.flatMap(({ bars }) => bars.map(({ step }) => step));
      expect(new Set([...drawn, 'migrate'])).toEqual(new Set(['migrate']));
      for (const { step } of criticalChain(story)) expect(step).not.toMatch(/init|ready|^stop$/);
      expect(headline(story)).not.toMatch(/start|stop/);
    }
    // The first one has been migrated, and the second one goes on.
    const middle = whole.at(90);
    expect(headline(middle)).toMatch(/^p1 applies 0\.sql.*\(2 of 3 migrated\)$/);
    expect(why(middle, 'p0').sentence).toContain(meant);
    const [first] = middle.record.plugins;
    expect(first && describeStatus(middle.times, first)).toMatchObject({ words: 'is migrated' });
  });

  it('is no boot that stops its plugins: none was started', async () => {
    const { id, events, elapsedMs } = await runStaged(migrateOnly);
    const isWayDown = (event: BootEvent) =>
      event.type === 'phase.started' && event.phase === 'stopAll';
    const down = { id, events: events.slice(0, events.findIndex(isWayDown) + 1), elapsedMs };
    expect(headline(storyOf(down))).toBe(
      'The boot gives its connections back (the migrations have ended)',
    );
    const { times, record } = storyOf({ id, events, elapsedMs });
    const words = record.plugins.map((plugin) => describeStatus(times, plugin).words);
    expect(words).toEqual(['is migrated', 'is migrated', 'was up to date']);
  });

  it('that failed says who was not migrated, and blames no other plugin', async () => {
    const story = await tell(breaking(true));
    expect(why(story, 'p0').sentence).toContain(meant);
    expect(why(story, 'p1').sentence).toBe('p1 failed to migrate');
    expect(why(story, 'p2').sentence).toBe(
      'p2 did not migrate because of p1: p1 failed to migrate',
    );
    expect(headline(story)).toMatch(/: p2 did not migrate because p1 failed to migrate$/);
  });

  it('counts without an optional plugin that failed, and finds who is lost by it', async () => {
    const story = await tell(breaking(false));
    expect(headline(story)).toMatch(
      /^1 of 3 plugins are migrated after \d+ms, 1 file applied: p2 did not migrate because p1 failed to migrate$/,
    );
    expect(why(story, 'p0').sentence).toContain(meant);
    expect(findings(story).map(({ title }) => title)).toContain(
      'p1 is not migrated, so p2 is not migrated either',
    );
  });

  it('has a summary without the steps that it was not asked for', async () => {
    const summary = exportStory(await tell(migrateOnly), 'markdown');
    expect(summary).toMatch(/^- `p0`: migrate done \d+ms$/m);
    expect(summary).not.toContain('notReached');
  });
});
