import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pipeDelayed } from '../../src/testing/delayed-pipe.ts';
import type { Link } from '../../src/testing/delayed-pipe.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('chunks are under way together, and arrive in order', async () => {
  const { send, arrived } = line({ delayMs: 10, isHeld: false });
  await send('a');
  await send('b');
  vi.advanceTimersByTime(5);
  await send('c');
  expect(arrived()).toBe('');
  vi.advanceTimersByTime(5);
  expect(arrived()).toBe('ab');
  await send('d');
  vi.advanceTimersByTime(5);
  expect(arrived()).toBe('abc');
  vi.advanceTimersByTime(5);
  expect(arrived()).toBe('abcd');
});

test('a held line delivers nothing, and afterwards everything, the end last', async () => {
  const link: Link = { delayMs: 10, isHeld: true };
  const { send, arrived, from, to, deliver } = line(link);
  await send('a');
  from.end('b');
  await settle();
  vi.advanceTimersByTime(1_000);
  expect(arrived()).toBe('');
  expect(to.writableEnded).toBe(false);
  link.isHeld = false;
  deliver();
  expect(arrived()).toBe('ab');
  expect(to.writableEnded).toBe(true);
});

function line(link: Link) {
  const from = new PassThrough();
  const to = new PassThrough();
  let received = '';
  return {
    from,
    to,
    deliver: pipeDelayed(from, to, link),
    send: async (text: string): Promise<void> => {
      from.write(text);
      await settle();
    },
    arrived: (): string => {
      received += String(to.read() ?? '');
      return received;
    },
  };
}

/** Streams pass their data on in ticks. They do not use the timers, which are faked here. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}
