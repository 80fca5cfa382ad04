import { afterEach, expect } from 'vitest';
import { BootError, createBoot, type Boot, type BootOptions } from '../../src/index.ts';
import { recordEvents, type Recording } from './event-recorder.ts';

/** A boot with its recording. */
export interface BootUnderTest {
  readonly boot: Boot;
  readonly recording: Recording;
}

/**
 * Gives a test file boots that are stopped and checked after each test. Call it after `useDatabase()`, because the check for
 * leaks has to come later.
 *
 * @example const bootUnderTest = useBoots();
 */
export function useBoots(): (options: BootOptions) => BootUnderTest {
  let open: BootUnderTest[] = [];
  afterEach(async () => {
    const ended = open;
    open = [];
    for (const { boot, recording } of ended) {
      await boot.stop('the test is over');
      if (recording.events.length > 0) recording.check();
    }
  });
  return (options) => {
    const boot = createBoot(options);
    const underTest = { boot, recording: recordEvents(boot) };
    open.push(underTest);
    return underTest;
  };
}

/** Starts the boot, which has to fail, and returns its error. */
export async function failureOf(start: Promise<unknown>): Promise<BootError> {
  const error: unknown = await start.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BootError);
  return error as BootError;
}
