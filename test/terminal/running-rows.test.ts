import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { writeHeadline } from '../../src/insight/headline.ts';
import { storyOf, type Story } from '../../src/insight/story.ts';
import { drawRunning } from '../../src/terminal/running-rows.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { runWithHistory } from '../insight/staged-history.ts';
import { stageBoot as boot } from '../insight/staged-plan.ts';
import type { StagedBoot } from '../insight/staged-plan.ts';

/** The rows of a boot at a moment of it. */
async function drawAt(
  staged: StagedBoot,
  ms: number,
  { width = 200, height = 12 } = {},
): Promise<readonly string[]> {
  return draw(storyOf(await runStaged(staged, ms)), { width, height });
}

function draw(
  { times }: Story,
  { width, height }: { readonly width: number; readonly height: number },
): readonly string[] {
  const frame = { width, height, colors: pc.createColors(false) };
  return drawRunning(times, writeHeadline(times), frame);
}

const slow = { files: [[1], [1, 1_000], [1]] };

describe('the rows of the live output', () => {
  it('show the file and the statement that run now, and for how long', async () => {
    const rows = await drawAt(boot(slow, { needs: [0], files: [[1]] }), 500);
    expect(rows).toEqual([
      expect.stringMatching(
        /^ {2}▸ . p0 +0\.5s {2}1\.sql \(2 of 3\), statement 2 of 2 \(line 2\), CREATE TABLE, for 0\.5s$/,
      ),
      expect.stringMatching(
        /^ {2}▸ p0 applies 1\.sql \(file 2 of 3\): statement 2 of 2, .*; p1 waits for it \(0 of 2 migrated\)$/,
      ),
    ]);
  });

  it('only name a lone statement', async () => {
    const [row] = await drawAt(boot({ files: [[1_000]] }), 500);
    expect(row).toMatch(/0\.sql, CREATE TABLE, for 0\.5s$/);
  });

  it('name the holder of a lock that is waited for', async () => {
    const [row] = await drawAt(boot({ ...slow, lockedForMs: 5_000 }), 3_000);
    expect(row).toMatch(
      /… p0 .* waits 3\.0s for its lock, held by slipway\/other@pod-2 \(pid 4711/,
    );
  });

  it('have the usual time of a start beside it, and the time that is left', async () => {
    const story = await runWithHistory(boot({ initMs: 4_000, readyMs: 0 }));
    const { startMs = 0 } = story.record.findPhase('initAll') ?? {};
    expect(draw(story.at(startMs + 1_000), { width: 200, height: 12 })).toEqual([
      expect.stringMatching(/p0 +1\.0s {2}starts, usually 4\.0s$/),
      expect.stringMatching(/usually 4\.00s \(0 of 1 started, about 3 s left\)$/),
    ]);
  });

  it('count down to the next attempt', async () => {
    const [row] = await drawAt(boot({ files: [[100]], fileRetries: 2 }), 105);
    expect(row).toMatch(/↻ p0 +0\.1s {2}0\.sql, attempt 2 in 0\.0s: lock timeout$/);
  });

  it('mark the step that decides the time, and say of each other one what waits for it', async () => {
    const inits = [{ initMs: 3_000 }, { initMs: 4_000 }, { needs: [1] }, { needs: [1] }];
    const rows = await drawAt(boot(...inits), 2_000);
    expect(rows.map((row) => row.slice(0, 4))).toEqual(['  ▸ ', '    ', '  ▸ ']);
    expect(rows[0]).toMatch(/▸ . p0 .* starts$/);
    expect(rows[1]).toMatch(/p1 .* starts; p2 and p3 wait for it$/);
  });

  it('count the steps that wait for a slot', async () => {
    const rows = await drawAt(boot(slow, slow, slow, slow), 500);
    expect(rows.at(-2)).toBe('    2 wait for a slot');
  });

  it('show a stop that hangs after a boot that was up', async () => {
    const rows = await drawAt({ ...boot({ stopMs: 9_000 }, { needs: [0] }), stopAtMs: 500 }, 4_000);
    expect(rows).toEqual([
      expect.stringMatching(/▸ . p0 +3\.5s {2}stops$/),
      expect.stringMatching(/▸ p0 stops: .* while the boot stops \(SIGTERM\) \(1 of 2 stopped\)$/),
    ]);
  });

  it('have the headline alone where no step runs', async () => {
    const rows = await drawAt({ ...boot(slow), surveyMs: 5_000 }, 3_000);
    expect(rows).toEqual([expect.stringMatching(/^ {4}The boot looks at the database for 3\.00s/)]);
  });

  it.each([
    [19, 1],
    [39, 2],
    [39, 7],
    [79, 12],
    [119, 12],
  ])('fit into %i columns and %i lines, with the headline last', async (width, height) => {
    const many = Array.from({ length: 20 }, () => ({ files: [[9_000]] }));
    const rows = await drawAt({ ...boot(...many), migrateWidth: 8 }, 5_000, { width, height });
    expect(rows.length).toBeLessThanOrEqual(height);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(width);
    const last = rows.findLastIndex((row) => row.startsWith('  ▸ p0'));
    expect(rows.slice(last).join(' ')).toMatch(/^ {2}▸ p0\b.*rated\)$/);
  });
});
