import { createActor, toPromise } from 'xstate';
import { expect, it } from 'vitest';
import { RunningTasks } from '../../src/boot/around/running-tasks.ts';
import { WorkTelemetry } from '../../src/telemetry/work-telemetry.ts';

const telemetry = new WorkTelemetry({ bootId: 'boot', report: () => {} });
const untilAborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason));
  });

it('when the machine breaks, tasks that run and tasks that begin are canceled, and are waited for', async () => {
  const broken = new AbortController();
  const running = new RunningTasks(broken.signal, telemetry);
  const reasons: unknown[] = [];
  const logic = running.task<'ended', undefined>('initAll', async ({ signal }) => {
    reasons.push(await untilAborted(signal));
    return 'ended';
  });
  const first = createActor(logic, { input: undefined }).start();
  // A task begins after the actions of its machine.
  await new Promise(setImmediate);
  broken.abort('a defect');
  const second = createActor(logic, { input: undefined }).start();

  expect(await Promise.all([first, second].map((actor) => toPromise(actor)))).toEqual([
    'ended',
    'ended',
  ]);
  await running.allSettled();
  expect(reasons).toEqual(['a defect', 'a defect']);
});
