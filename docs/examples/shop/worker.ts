import type { Logger } from 'slipway';

export interface WorkerOptions {
  readonly name: string;
  /** The pause between two runs. */
  readonly everyMs: number;
  readonly logger: Logger;
}

export interface Worker {
  /** Runs now instead of after the pause; during a run, once more after it. */
  wake(): void;
  /** Resolves when the run under way, if any, has ended. */
  stop(): Promise<void>;
}

/**
 * Runs `work` again and again, one run at a time. A run that fails is logged and tried again after the pause: the
 * database of a backend goes away now and then, and its workers are still there when it is back.
 */
export function startWorker(
  work: () => Promise<void>,
  { name, everyMs, logger }: WorkerOptions,
): Worker {
  const stopping = new AbortController();
  let isWoken = false;
  let endPause: (() => void) | undefined;

  const pause = async (): Promise<void> => {
    if (isWoken || stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      isWoken = false;
      try {
        await work();
      } catch (error) {
        logger.error({ err: error }, `${name} failed and tries again in ${everyMs} ms`);
      }
      await pause();
    }
  };

  const ended = run();
  return {
    wake() {
      isWoken = true;
      endPause?.();
    },
    async stop() {
      stopping.abort();
      endPause?.();
      await ended;
    },
  };
}
