import { writeSync } from 'node:fs';
import type { BootState } from '../../core/boot-state.ts';
import { formatDuration } from '../../core/duration.ts';
import { listNames, printable } from '../../core/printable.ts';

/** Work that the process must not end in the middle of. */
interface UnderWay {
  readonly describe: () => string;
  /** Whether an exit with code 0 is fine at this moment. */
  readonly mayEnd: () => boolean;
}

/** All work under way in this process. It shares one listener, which is there only while there is work. */
const underWay = new Set<UnderWay>();

/** Whether the process has nothing left to wait for. Another turn of the event loop makes it false again. */
let isIdle = false;

/**
 * Watches work that must not be cut off by the end of the process: by `process.exit()` in a plugin, or because nothing is
 * left that could settle a promise. If it is, standard error gets a line that names the work, and the exit code 0 becomes 1.
 * The watch keeps no process alive and ends none.
 *
 * @param mayEnd Whether the host may end the process with code 0 now. The line is written all the same.
 * @returns A function that ends the watch.
 */
export function watchExit(describe: () => string, mayEnd = (): boolean => false): () => void {
  const work = { describe, mayEnd };
  if (underWay.size === 0) process.on('beforeExit', noteIdle).on('exit', reportExit);
  underWay.add(work);
  return () => {
    if (!underWay.delete(work) || underWay.size > 0) return;
    process.off('beforeExit', noteIdle).off('exit', reportExit);
  };
}

/** Watches the process with {@link watchExit} while `work` runs. */
export async function whileWatched<T>(what: string, work: () => Promise<T>): Promise<T> {
  const end = watchExit(() => what);
  try {
    return await work();
  } finally {
    end();
  }
}

/**
 * Watches a boot that starts or stops. The host may end its process while a boot that was up goes down: the line is written,
 * and the exit code stays the host's own.
 */
export function watchBoot(look: () => BootState): () => void {
  const wasUp = (): boolean => ['ready', 'degraded'].includes(look().outcome ?? '');
  return watchExit(() => describeBoot(look()), wasUp);
}

function describeBoot({ phase, isStopping, running, wait }: BootState): string {
  const steps = running.map(
    ({ plugin, step, forMs }) => `${step} of ${plugin}, for ${formatDuration(forMs)}`,
  );
  const doing = listNames([...steps, ...(wait?.reason === undefined ? [] : [wait.reason])]);
  const what = isStopping ? 'the stop of a boot' : 'a boot';
  return `${what} (${phase}${doing === '' ? '' : `: ${doing}`})`;
}

function noteIdle(): void {
  isIdle = true;
  // Another listener may begin something new: then there is a next turn.
  setImmediate(() => {
    isIdle = false;
  }).unref();
}

function reportExit(): void {
  const works = [...underWay];
  const isZero = Number(process.exitCode ?? 0) === 0;
  const isWrong = isZero && (isIdle || works.some(({ mayEnd }) => !mayEnd()));
  if (isWrong) process.exitCode = 1;
  const why = isIdle ? ', because nothing is left to keep it running' : '';
  const code = isWrong ? '. The exit code is 1 instead of 0' : '';
  const what = listNames(works.map(({ describe }) => describe()));
  try {
    writeSync(
      2,
      printable(`slipway: the process ends in the middle of ${what}${why}${code}.`) + '\n',
    );
  } catch {
    // Standard error is closed, and there is no other place to write to.
  }
}
