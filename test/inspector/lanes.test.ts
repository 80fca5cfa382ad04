import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layAxis } from '../../src/insight/timeline-axis.ts';
import { storyOf, type Story } from '../../src/insight/story.ts';
import { measureText } from '../../src/insight/exports/svg-text.ts';
import { listBars } from '../../src/insight/exports/bars.ts';
import { listTicks, placeLabels } from '../../src/inspector/page/lanes/lane-axis.ts';
import { cutBand, findScroll } from '../../src/inspector/page/lanes/lane-band.ts';
import { listRows, nameRow, type RowChoice } from '../../src/inspector/page/lanes/lane-rows.ts';
import { drawBars } from '../../src/inspector/page/lanes/lane-shapes.ts';
import { describeBars, sumTime } from '../../src/inspector/page/lanes/lane-words.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { anyBoot, stageBoot, type StagedBoot } from '../insight/staged-plan.ts';

const tell = async (boot: StagedBoot): Promise<Story> => storyOf(await runStaged(boot));

describe('the rows of the lanes', () => {
  const choice: RowChoice = { filter: '', open: new Set(), chosen: undefined };
  const optional = stageBoot(
    {},
    { required: false, init: 'failed' },
    { required: false, needs: [1] },
    {},
    { required: false, needs: [2] },
  );
  const list = async (boot: StagedBoot, more: Partial<RowChoice> = {}) =>
    listRows((await tell(boot)).times, { ...choice, ...more }).map(nameRow);

  it('fold the plugins that did not start because of another one under it', async () => {
    expect(await list(optional)).toEqual(['plugin p0', 'plugin p1', 'fold p1', 'plugin p3']);
  });

  it('unfold them when the reader opens the fold, or has chosen one of them', async () => {
    const all = ['plugin p0', 'plugin p1', 'fold p1', 'plugin p2', 'plugin p4', 'plugin p3'];
    expect(await list(optional, { open: new Set(['p1']) })).toEqual(all);
    expect(await list(optional, { chosen: 'p4' })).toEqual(all);
  });

  it('keep what ran before a required plugin ended the boot', async () => {
    const boot = stageBoot(
      { files: [[5]] },
      { needs: [0], files: [[5]], migrate: 'failed' },
      { needs: [1] },
      { needs: [1] },
    );
    expect(await list(boot)).toEqual(['plugin p0', 'plugin p1', 'fold p1']);
  });

  it('do not fold a single plugin, which takes no more room than its fold', async () => {
    const boot = stageBoot({ required: false, init: 'failed' }, { required: false, needs: [0] });
    expect(await list(boot)).toEqual(['plugin p0', 'plugin p1']);
  });

  it('are filtered by a part of the name, those in folds too', async () => {
    expect(await list(optional, { filter: ' P4' })).toEqual(['plugin p4']);
    expect(await list(optional, { filter: 'nothing' })).toEqual([]);
  });

  it('show each plugin of any boot exactly once when everything is open', async () => {
    await fc.assert(
      fc.asyncProperty(anyBoot(), async (boot) => {
        const { times } = await tell(boot);
        const open = new Set(times.record.plugins.map(({ id }) => id));
        const rows = listRows(times, { ...choice, open }).map(nameRow);
        const names = rows.filter((name) => name.startsWith('plugin')).toSorted();
        expect(names).toEqual([...open].map((id) => `plugin ${id}`).toSorted());
      }),
      { numRuns: 40 },
    );
  });
});

describe('the band of rows that are drawn', () => {
  const seen = fc.record({
    top: fc.integer({ min: 0, max: 9_000 }),
    height: fc.integer({ min: 0, max: 1_000 }),
    rowHeight: fc.constantFrom(26, 38),
  });

  it('covers everything that is seen, holds its size, and leaves the room of the others', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 }),
        seen,
        fc.integer({ min: -1, max: 500 }),
        (count, what, kept) => {
          const parts = cutBand(count, what, kept);
          let next = 0;
          const rows = parts.flatMap((part) => {
            expect('row' in part ? part.row : part.from).toBe(next);
            next += 'row' in part ? 1 : part.skipped;
            return 'row' in part ? [part.row] : [];
          });
          expect(next).toBe(count);
          expect(rows.length).toBeLessThanOrEqual(Math.ceil(what.height / what.rowHeight) + 26);
          const top = Math.min(what.top, Math.max(0, count * what.rowHeight - what.height));
          for (let y = top; y < Math.min(top + what.height, count * what.rowHeight); y += 13) {
            expect(rows).toContain(Math.floor(y / what.rowHeight));
          }
          expect(rows).toEqual(expect.arrayContaining(kept >= 0 && kept < count ? [kept] : []));
        },
      ),
    );
  });

  it('is scrolled only when a row is not seen, and no further than it has to', () => {
    const what = { top: 1_000, height: 500, rowHeight: 25 };
    expect(findScroll(40, what)).toBeUndefined();
    expect(findScroll(59, what)).toBeUndefined();
    expect(findScroll(60, what)).toBe(1_100);
    expect(findScroll(39, what)).toBe(900);
    expect(findScroll(0, what)).toBe(0);
  });
});

describe('the shapes of a row', () => {
  it('lie on the axis, and are few however many statements there are', async () => {
    const many = Array.from({ length: 40 }, () => Array.from({ length: 50 }, () => 1));
    const story = await tell(stageBoot({ files: many }, { needs: [0] }));
    const { place } = layAxis(story.endMs, []);
    const [plugin] = story.record.plugins;
    if (!plugin) throw new Error('no plugin');
    const bars = listBars(story.times, plugin);
    for (const width of [1, 300, 600]) {
      const shapes = drawBars(bars, { place, width });
      expect(shapes.length).toBeLessThanOrEqual(width / 2 + 12);
      for (const { from, to } of shapes) {
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(1);
      }
    }
  });

  it('mark a failure by a word, however short it was', async () => {
    const story = await tell(
      stageBoot({ initMs: 400 }, { required: false, initMs: 1, init: 'failed' }),
    );
    const { place } = layAxis(story.endMs, []);
    const failed = story.record.find('p1');
    if (!failed) throw new Error('no plugin');
    const shapes = drawBars(listBars(story.times, failed), { place, width: 400 });
    expect(shapes.map(({ label }) => label)).toContain('✕ init failed');
  });

  it('are said in a sentence for readers who do not see them', async () => {
    const story = await tell(stageBoot({ lockedForMs: 1_200, files: [[300]], initMs: 67 }));
    const [plugin] = story.record.plugins;
    const bars = plugin ? listBars(story.times, plugin) : [];
    expect(describeBars(bars)).toMatch(
      /^waited 1ms for a client, waited 1\.\d\ds for its lock, migrated 30\dms, init 67ms, ready 1ms$/,
    );
    expect(sumTime(bars)).toBeGreaterThan(1_500);
  });
});

describe('the ticks of the axis', () => {
  it('are round times with room for their labels, outside of what is drawn short', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 5 }),
        fc.integer({ min: 200, max: 1_400 }),
        (endMs, moments, width) => {
          const axis = layAxis(
            endMs,
            moments.map((ms) => ({ startMs: ms, endMs: ms })),
          );
          const ticks = listTicks(axis, width, endMs);
          expect(ticks.length).toBeLessThanOrEqual(width / 60 + 1);
          for (const [index, { at }] of ticks.entries()) {
            expect(at).toBeGreaterThanOrEqual(0);
            expect(at).toBeLessThanOrEqual(1);
            expect((at - (ticks[index - 1]?.at ?? -1)) * width).toBeGreaterThan(60);
            for (const gap of axis.gaps) expect(at <= gap.from || at >= gap.to).toBe(true);
          }
        },
      ),
    );
  });

  it('have labels that never overlap, and the mark of the present always has its own', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000_000 }),
        fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 5 }),
        fc.integer({ min: 120, max: 1_400 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (endMs, moments, width, at) => {
          const axis = layAxis(
            endMs,
            moments.map((ms) => ({ startMs: ms, endMs: ms })),
          );
          const ticks = listTicks(axis, width, endMs);
          const labels = placeLabels(ticks, axis.gaps, { at, word: 'ended here' }, width);
          expect(labels.filter(({ kind }) => kind === 'marked')).toHaveLength(1);
          const fromLeft = labels.toSorted((a, b) => a.left - b.left);
          for (const [index, { left, label }] of fromLeft.entries()) {
            const next = fromLeft[index + 1]?.left ?? width + 1;
            expect(left).toBeGreaterThanOrEqual(0);
            expect(left + measureText(label, 12)).toBeLessThan(next);
          }
        },
      ),
    );
  });

  it('keep the length of a gap beside the mark at its end', () => {
    const gap = { startMs: 1_000, endMs: 14_460, from: 0.85, to: 1, label: '13.46s' };
    const labels = placeLabels([], [gap], { at: 1, word: 'ended here' }, 614);
    expect(labels.map(({ label }) => label)).toEqual(['ended here', '13.46s']);
  });
});
