import { gracefulShutdown } from 'slipway';
import type { Plugin } from 'slipway';
import { createInspector } from 'slipway/inspector';
import type { Stage } from './stage.ts';
import { createShop } from './shop.ts';

/**
 * Boots the shop and serves it until a signal, or just boots it. Its server listens before anything else happens, so that
 * probes and visitors get an answer while the plugins migrate; the inspector shows the boot from its beginning.
 *
 * @throws BootError when the shop cannot start; it is stopped by then.
 */
export async function serveShop(
  { pool, logger, port, write, show }: Stage,
  { once, plugins }: { readonly once: boolean; readonly plugins: readonly Plugin[] },
): Promise<void> {
  const { boot, server } = createShop({ pool, plugins, logger, port });
  show(boot);
  gracefulShutdown(boot, { drain: (signal) => server.close(signal) });
  const stopped = new Promise((resolve) => boot.once('boot.stopped', resolve));
  const inspector = once ? undefined : await createInspector(boot);
  try {
    if (inspector) write(`\n  The inspector shows this boot:\n  ${inspector.url}\n`);
    const url = await server.listen();
    write(`\n  Listening before the boot: ${url}/startupz says how far it is\n`);
    await boot.start();
    write(`  The shop is open: ${url}\n`);
    if (once) return;
    write('  Ctrl-C closes it.\n');
    await stopped;
  } finally {
    await boot.stop('that was all');
    await inspector?.close();
  }
}
