import { BootError, formatBootError, gracefulShutdown } from 'slipway';
import type { Boot } from 'slipway';
import { createInspector } from 'slipway/inspector';
import type { Stage } from './stage.ts';

/**
 * Boots with the inspector open from before the start until Ctrl-C. A boot that fails can be looked at until then, too.
 *
 * @param what What there is to see, in one line.
 * @throws BootError `BOOT_CANCELED` when a signal comes before the boot is ready.
 */
export async function watchBoot(boot: Boot, { write, show }: Stage, what: string): Promise<void> {
  const inspector = await createInspector(boot);
  const stopped = new Promise((resolve) => boot.once('boot.stopped', resolve));
  // From the start: a signal may also come just when the boot has failed.
  const signaled = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve);
  });
  // Neither the inspector nor a signal that may come keeps a process running.
  const stay = setInterval(() => undefined, 60_000);
  try {
    write(`\n  The inspector shows this boot:\n  ${inspector.url}\n\n  ${what}\n`);
    show(boot);
    gracefulShutdown(boot);
    await boot.start();
    write('  Ctrl-C stops it.\n');
    await stopped;
  } catch (error) {
    if (error instanceof BootError && error.code === 'BOOT_CANCELED') throw error;
    console.error(`${formatBootError(error)}\n`);
    write('  The boot is over. The inspector stays open until Ctrl-C.\n');
    await signaled;
  } finally {
    clearInterval(stay);
    await boot.stop('that was all');
    await inspector.close();
  }
}
