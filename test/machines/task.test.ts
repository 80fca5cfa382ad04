import { createActor, toPromise } from 'xstate';
import { expect, it } from 'vitest';
import { fromTask } from '../../machines/index.ts';
import { quiet } from './stage.ts';

it('CANCEL aborts both signals with its reason, and the task lives until its cleanup is through', async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const reasons: unknown[] = [];
  const actor = createActor(
    fromTask(async ({ signal, windDown }) => {
      try {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reasons.push(signal.reason, windDown.reason);
        return 'canceled';
      } finally {
        await released;
      }
    }),
    { input: undefined },
  );
  actor.start();
  await quiet();
  actor.send({ type: 'CANCEL', reason: 'SIGTERM' });
  await quiet();
  expect(actor.getSnapshot().status).toBe('active');
  expect(reasons).toEqual(['SIGTERM', 'SIGTERM']);

  release();
  expect(await toPromise(actor)).toBe('canceled');
});

it('WIND_DOWN lets the task go on with what it holds', async () => {
  const actor = createActor(
    fromTask(async ({ signal, windDown }) => {
      await new Promise((resolve) => windDown.addEventListener('abort', resolve));
      return signal.aborted;
    }),
    { input: undefined },
  );
  actor.start();
  await quiet();
  actor.send({ type: 'WIND_DOWN', reason: 'auth failed' });

  expect(await toPromise(actor)).toBe(false);
});

it('a task that is canceled before it began sees it from the first moment', async () => {
  const actor = createActor(
    fromTask(async ({ signal }) => signal.aborted),
    { input: undefined },
  );
  actor.start();
  actor.send({ type: 'CANCEL', reason: 'at once' });

  expect(await toPromise(actor)).toBe(true);
});

it('a task that is stopped hard still gets its signal', async () => {
  let seen: AbortSignal | undefined;
  const actor = createActor(
    fromTask(({ signal }) => {
      seen = signal;
      return new Promise(() => {});
    }),
    { input: undefined },
  );
  actor.start();
  await quiet();
  actor.stop();

  expect(seen?.aborted).toBe(true);
});
