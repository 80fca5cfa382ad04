import { expect, it } from 'vitest';
import { LateSignal } from '../../src/core/late-signal.ts';

it('a signal that is read after its end is aborted with the first reason', () => {
  const late = new LateSignal();
  expect(late.isAborted).toBe(false);
  const made: string[] = [];
  const abort = (reason: string): void => late.abort(() => (made.push(reason), reason));
  abort('SIGTERM');
  abort('again');
  expect(late.isAborted).toBe(true);
  expect(made).toEqual([]);

  expect(late.signal.aborted).toBe(true);
  expect(late.signal.reason).toBe('SIGTERM');
  expect(made).toEqual(['SIGTERM']);
});

it('a signal that is read before is one and the same, is prepared once, and reports its end', () => {
  const prepared: AbortSignal[] = [];
  const late = new LateSignal((signal) => prepared.push(signal));
  const reasons: unknown[] = [];
  late.signal.addEventListener('abort', () => reasons.push(late.signal.reason));
  late.abort(() => 'SIGTERM');

  expect(prepared).toEqual([late.signal]);
  expect(reasons).toEqual(['SIGTERM']);
});
