import { gracefulShutdown } from 'slipway';
import type { Stage } from './stage.ts';
import { createShop } from './shop.ts';

/**
 * Boots the shop and serves it until a signal, or just boots it. Its server listens before anything else happens, so that
 * probes and visitors get an answer while the plugins migrate.
 *
 * @throws BootError when the shop cannot start; it is stopped by then.
 */
export async function serveShop(
  { pool, logger, port, write, show }: Stage,
  { once }: { readonly once: boolean },
): Promise<void> {
  const { boot, server } = createShop({ pool, logger, port });
  show(boot);
  gracefulShutdown(boot, { drain: (signal) => server.close(signal) });
  const stopped = new Promise((resolve) => boot.once('boot.stopped', resolve));
  try {
    const url = await server.listen();
    write(`\n  Listening before the boot: ${url}/startupz says how far it is\n`);
    await boot.start();
    write(`  The shop is open: ${url}\n`);
    if (once) return;
    write('  Ctrl-C closes it.\n');
    await stopped;
  } finally {
    await boot.stop('that was all');
  }
}
