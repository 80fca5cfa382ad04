import { describe, expect, it } from 'vitest';
import { definePlugin, readHistory, type BootEventOf, type BootOptions } from '../../src/index.ts';
import { headline, readStory } from '../../src/insight.ts';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { thirdSecond } from './watched-boot.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const quick = definePlugin({ id: 'quick', init() {} });
const history = true;

/** Leaves boots of `quick` and `slow` in the history. */
async function bootBefore(options: BootOptions, times = 1): Promise<void> {
  const slow = definePlugin({ id: 'slow', init() {} });
  for (let boots = 0; boots < times; boots += 1) {
    const { boot } = bootUnderTest({ ...options, plugins: [quick, slow], history });
    await boot.start();
    await boot.stop();
  }
}

/** A boot whose plugin `slow` starts when the test says so. */
function bootSlowly(options: BootOptions) {
  const gate = deferred();
  const slow = definePlugin({ id: 'slow', init: () => gate.promise });
  return { ...bootUnderTest({ plugins: [quick, slow], ...options }), letGo: () => gate.resolve() };
}

describe('the usual times', () => {
  it('are told when the plugins take longer than a second to start, and stand in state and recording', async () => {
    const { url, query } = await db.fresh();
    await bootBefore({ pool: url }, 3);
    // As if these had taken 3 s, and 5 s once; another application is no measure.
    await query(
      `UPDATE slipway.boots SET recording = regexp_replace(recording, '("plugin.init.finished"[^\n]*"slow"[^\n]*"durationMs":)[0-9.]+', '\\13000')`,
    );
    await query(`UPDATE slipway.boots SET recording = replace(recording, ':3000', ':5000')
      WHERE boot_id = (SELECT boot_id FROM slipway.boots LIMIT 1)`);
    await bootBefore({ pool: url, hostApp: { name: 'other' } });
    let lines = '';
    const { boot, letGo } = bootSlowly({
      pool: url,
      history,
      record: (text) => void (lines += text),
    });
    const read = new Promise<BootEventOf<'history.read'>>((resolve) =>
      boot.once('history.read', resolve),
    );
    const started = boot.start();
    expect(await read).toMatchObject({
      boots: 3,
      usual: { quick: { init: expect.any(Number) as number }, slow: { init: 3_000 } },
    });
    const state = boot.state();
    expect(state.running).toMatchObject([{ plugin: 'slow', usualMs: 3_000 }]);
    expect(state.etaMs).toBeGreaterThan(0);
    expect(state.headline).toMatch(
      /^slow starts: its init has run for .*, usually 3\.00s \(1 of 2 started, about \d s left\)$/,
    );
    letGo();
    await started;
    await boot.stop();
    const story = await readStory(lines.split('\n'));
    expect(headline(story.at((await read).elapsedMs))).toMatch(/usually 3\.00s/);
    const [last] = await readHistory(url, { last: 1 });
    expect(last?.lines.join('\n')).not.toContain('history.read');
  });

  it.each<[string, boolean, number, string]>([
    ['without the option', false, 1, 'shop'],
    ['without a history', true, 0, 'shop'],
    ['without an earlier boot of the application', true, 1, 'other'],
  ])('are not told %s', async (_, isKept, before, name) => {
    const { url } = await db.fresh();
    await bootBefore({ pool: url, hostApp: { name: 'shop' } }, before);
    const { boot, recording, letGo } = bootSlowly({
      pool: url,
      history: isKept,
      hostApp: { name },
    });
    const later = thirdSecond(boot);
    const started = boot.start();
    await later;
    letGo();
    await started;
    expect(recording.of('history.read')).toEqual([]);
  });

  it('are not looked for by a boot that is up within a second, nor by one that is stopped', async () => {
    const { url } = await db.fresh();
    await bootBefore({ pool: url });
    const asked: number[] = [];
    const open = new Set<number>();
    const clock = {
      ...systemClock,
      after: (ms: number, callback: () => void) => {
        if (ms !== 1_000) return systemClock.after(ms, callback);
        const at = asked.push(ms);
        open.add(at);
        const cancel = systemClock.after(1_000_000, callback);
        return () => {
          open.delete(at);
          cancel();
        };
      },
    };
    const { boot } = bootUnderTest({ pool: url, plugins: [quick], history, clock });
    await boot.start();
    expect(asked.length).toBeGreaterThan(0);
    expect([...open]).toEqual([]);
    await boot.stop();
    const { boot: stopped, letGo } = bootSlowly({ pool: url, history, clock });
    const waits = new Promise((resolve) => stopped.once('plugin.init.started', resolve));
    const failing = stopped.start().catch((error: unknown) => error);
    await waits;
    const stopping = stopped.stop();
    letGo();
    await stopping;
    expect(await failing).toMatchObject({ code: 'BOOT_CANCELED' });
    expect([...open]).toEqual([]);
  });

  it('that cannot be read hold nothing up, and neither does a history that makes no sense', async () => {
    const { url, query } = await db.fresh();
    await bootBefore({ pool: url });
    await query(`UPDATE slipway.boots SET recording = '{"type":"plugin.init.finished"'`);
    const { boot, recording, letGo } = bootSlowly({ pool: url, history });
    const later = thirdSecond(boot);
    const started = boot.start();
    await later;
    letGo();
    expect(await started).toMatchObject({ outcome: 'ready' });
    expect(recording.of('history.read')).toEqual([]);
    expect(recording.of('boot.warning')).toEqual([]);
  });
});
