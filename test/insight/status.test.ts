import { describe, expect, it } from 'vitest';
import { describeStatus, writeStatus } from '../../src/insight/status.ts';
import { stage, tell, tellExample } from './exports/stories.ts';

describe('the state of a plugin', () => {
  it('names the plugins that it waits for now: none that has ended, and the last to begin first', async () => {
    const boot = stage([
      { files: [[10]] },
      { files: [[200]] },
      { needs: [0], files: [[200]] },
      { needs: [0, 1, 2] },
    ]);
    const story = await tell(boot, 120);
    const [first, , , last] = story.record.plugins;
    expect(first?.steps.migrate.outcome).toBe('done');
    expect(last && describeStatus(story.times, last)).toMatchObject({
      tone: 'wait',
      words: 'waits for p2 and p1',
    });
  });

  it('has the same plain words for each reason to wait', async () => {
    const whole = await tellExample();
    const seen = new Set<string>();
    for (let ms = 0; ms < whole.endMs; ms += 1) {
      const { times, record } = whole.at(ms);
      for (const plugin of record.plugins) seen.add(describeStatus(times, plugin).words);
    }
    for (const words of [
      'the survey',
      'a client',
      'p0',
      'its lock',
      'all migrations',
      'all inits',
    ]) {
      expect([...seen]).toContain(`waits for ${words}`);
    }
  });

  it('is written with its time only as long as it goes on', async () => {
    const { times, record } = await tellExample();
    const lines = record.plugins.map((plugin) => writeStatus(describeStatus(times, plugin)));
    expect(lines).toEqual(['is up', 'is up', 'failed to start', 'did not start: p2 failed']);
  });
});
