import { describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';
import { lockPids, useReplicas } from './run-once-fixture.ts';

const db = useDatabase();
const startReplica = useReplicas(db);

describe('a call that is wrong', () => {
  test.each([
    ['', /^Expected the key of runOnce\(\) to be a text of 1 to 255 printable characters, got ""$/],
    ['x'.repeat(256), /got "x{77}…"$/],
    ['a\0b', /printable/],
    ['a\nb', /printable/],
    ['\ud800', /printable/],
    [undefined, /got undefined$/],
    [7, /got 7$/],
    [{ toString: () => 'shop' }, /got an object with toString$/],
  ])('with the key %j is refused before anything is sent', async (key, message) => {
    const wrong = await errorOf(startReplica().locks.runOnce(key as string, () => 1));
    expect(wrong).toMatchObject({ code: 'OPTIONS_INVALID' });
    expect(wrong.message).toMatch(message);
    expect(await lockPids(db)).toEqual([]);
  });

  test.each([
    [{ others: 'leave' }, `Expected options.others to be 'wait' or 'skip', got "leave"`],
    [{ remember: 'yes' }, /^Expected options.remember to be .*, got "yes"$/],
    [{ remeber: true }, 'options has no option remeber. Did you mean remember?'],
    [{ signal: 'stop' }, 'Expected options.signal to be an AbortSignal, got "stop"'],
    [{ wait: 'soon' }, /^Expected options.wait to be a duration/],
    [{ others: 'skip', wait: '5s' }, /^Expected options.wait to be left out with others: 'skip'/],
    [7, 'Expected options to be an object, got 7'],
  ])('with the options %j is refused', async (options, message) => {
    const wrong = await errorOf(startReplica().locks.runOnce('a', () => 1, options as never));
    expect(wrong).toMatchObject({ code: 'OPTIONS_INVALID' });
    expect(wrong.message).toMatch(message);
  });

  test('without a function is refused', async () => {
    const wrong = startReplica().locks.runOnce('a', 'work' as never);
    await expect(wrong).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: 'Expected the work of runOnce() to be a function, got "work"',
    });
  });

  test.each([`'; drop schema slipway; --`, '"$1"', 'ключ 🔑', '🔑'.repeat(255)])(
    'is not one with the key %j, whatever it looks like',
    async (key) => {
      const { locks } = startReplica();
      const options = { remember: true } as const;
      expect(await locks.runOnce(key, () => 1, options)).toMatchObject({ outcome: 'ran' });
      expect(await locks.runOnce(key, () => 1, options)).toEqual({ outcome: 'remembered' });
      const { rows } = await db.query('select key from slipway.once where key = $1', [key]);
      expect(rows).toEqual([{ key }]);
    },
  );
});
