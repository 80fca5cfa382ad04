import { writeSync } from 'node:fs';
import type { BootState } from '../core/boot-state.ts';
import { formatDuration } from '../core/duration.ts';
import { listNames, printable } from '../core/printable.ts';

/** Something that must not end with its process, and what it is doing. */
interface UnderWay {
  readonly describe: () => string;
  /** Whether an exit that the host asks for may keep its code 0. */
  readonly mayEnd: () => boolean;
}

/** Everything under way in this process. One listener serves all of it, and only as long as there is something. */
const underWay = new Set<UnderWay>();

/** Set when nothing is left that the process could wait for; another turn of the event loop takes it back. */
let isIdle = false;

/**
 * Watches work that the process may end in the middle of: by `process.exit()` in a plugin, or because nothing is left that a
 * promise could be settled by. Then standard error gets a line with what was under way, and the exit code 0 becomes 1. Keeps
 * no process alive and ends none.
 *
 * @param mayEnd Whether the host may end the process with code 0 now; the line is written all the same.
 * @returns Ends the watch.
 */
export function watchExit(describe: () => string, mayEnd = (): boolean => false): () => void {
  const work = { describe, mayEnd };
  if (underWay.size === 0) process.on('beforeExit', noteIdle).on('exit', tellExit);
  underWay.add(work);
  return () => {
    if (!underWay.delete(work) || underWay.size > 0) return;
    process.off('beforeExit', noteIdle).off('exit', tellExit);
  };
}

/** {@link watchExit} for as long as `work` takes. */
export async function whileWatched<T>(what: string, work: () => Promise<T>): Promise<T> {
  const end = watchExit(() => what);
  try {
    return await work();
  } finally {
    end();
  }
}

/**
 * Watches a boot that starts or stops. The host may end its process while a boot that was up goes down: the stop is cut
 * short and that is told, and the exit code is the host's own.
 */
export function watchBoot(look: () => BootState): () => void {
  const wasUp = (): boolean => ['ready', 'degraded'].includes(look().outcome ?? '');
  return watchExit(() => describeBoot(look()), wasUp);
}

function describeBoot({ phase, isStopping, running, waitingFor }: BootState): string {
  const steps = running.map(
    ({ plugin, step, forMs }) => `${step} of ${plugin}, for ${formatDuration(forMs)}`,
  );
  const doing = listNames([...steps, ...(waitingFor === undefined ? [] : [waitingFor])]);
  const what = isStopping ? 'the stop of a boot' : 'a boot';
  return `${what} (${phase}${doing === '' ? '' : `: ${doing}`})`;
}

function noteIdle(): void {
  isIdle = true;
  // Another listener may have begun something new: then there is a next turn.
  setImmediate(() => {
    isIdle = false;
  }).unref();
}

function tellExit(): void {
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
    // Standard error is closed: there is no other place to say it.
  }
}
