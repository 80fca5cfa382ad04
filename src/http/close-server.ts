import type { RequestListener, Server } from 'node:http';

const lookMs = 50;

/**
 * Takes no new connections, answers the requests under way, and ends each connection once it is idle, so that clients which
 * keep theirs alive hold nothing up. Resolves when the last one is gone; also for a server that does not listen.
 *
 * @param signal When it is aborted, the connections that are left are cut.
 * @example gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });
 */
export async function closeServer(server: Server, signal?: AbortSignal): Promise<void> {
  const cut = (): void => server.closeAllConnections();
  const endAfterAnswer: RequestListener = (_, response) => {
    response.shouldKeepAlive = false;
  };
  // A request that came before closing leaves its connection open: somebody has to look for those.
  const looking = setInterval(() => server.closeIdleConnections(), lookMs);
  server.prependListener('request', endAfterAnswer);
  signal?.addEventListener('abort', cut, { once: true });
  try {
    await new Promise<void>((resolve) => {
      // Its only error says that the server does not listen, which is what we want.
      server.close(() => resolve());
      server.closeIdleConnections();
      if (signal?.aborted) cut();
    });
  } finally {
    clearInterval(looking);
    server.off('request', endAfterAnswer);
    signal?.removeEventListener('abort', cut);
  }
}
