import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeSvg } from '../../../src/insight/exports/svg.ts';
import { storyOf } from '../../../src/insight/story.ts';
import { runStaged } from '../staged-boot.ts';
import { expectToStandAlone } from './read-svg.ts';
import {
  anyStory,
  hostileNames,
  makeHostile,
  stage,
  tell,
  tellExample,
  tellMany,
} from './stories.ts';

describe('the picture of a boot', () => {
  it('is XML that stands alone, for every boot and at every moment', async () => {
    await fc.assert(
      fc.asyncProperty(anyStory, async ({ boot, untilMs }) => {
        expectToStandAlone(writeSvg(await tell(boot, untilMs)));
      }),
      { numRuns: 50 },
    );
  });

  it('stands alone whatever the names are', async () => {
    const told = await runStaged(
      stage([{ files: [[3]], lockedForMs: 9, migrate: 'failed' }, { needs: [0] }]),
    );
    for (const name of hostileNames) {
      expectToStandAlone(writeSvg(storyOf(makeHostile({ ...told, id: name }, name))));
    }
  });

  it('explains each bar in a tooltip, and says in words what failed', async () => {
    const picture = writeSvg(await tellExample());
    const titles = [...picture.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title);
    expect(titles[0]).toBe(
      '2 of 4 plugins are up after 254ms: p3 did not start because init of p2 failed',
    );
    expect(titles).toEqual(
      expect.arrayContaining([
        'migrate p1 waited 66ms for the migration lock of slipway/other@pod-2 (pid 4711, active)',
        '0.sql of p1 (file 1 of 1): rolledBack, 8ms',
        'statement 1 of 2 of 0.sql: CREATE TABLE, 12ms',
        'init p2: failed, 12ms: init of p2 failed',
      ]),
    );
    expect(picture).toContain('✕ failed to start</text>');
    expect(picture).toContain('✓ is up</text>');
  });

  it('follows the theme of its reader', async () => {
    expect(writeSvg(await tellExample())).toContain('@media (prefers-color-scheme:dark)');
  });

  it('cuts out the time between the launch and the way down', async () => {
    const day = 24 * 3_600_000;
    const picture = writeSvg(await tell(stage([{}, { needs: [0] }], { stopAtMs: day })));
    expect(picture).toContain('24h later</text>');
    const [, width] = /width="([\d.]+)" height="14" class="slipway-init"/.exec(picture) ?? [];
    expect(Number(width)).toBeGreaterThan(100);
  });

  it('grows with the plugins, and stays below 2 kB for each', async () => {
    const picture = writeSvg(await tellMany(300));
    expectToStandAlone(picture);
    expect(picture.match(/✓ is up/g)).toHaveLength(300);
    expect(picture.length).toBeLessThan(300 * 2_000);
    const [, height] = /height="(\d+)"/.exec(picture) ?? [];
    expect(Number(height)).toBeGreaterThan(300 * 20);
  });
});
