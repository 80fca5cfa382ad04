import type { RequestListener, Server } from 'node:http';

const lookMs = 50;

/**
 * Stops a server: it takes no new connections, answers the open requests, and closes each connection once it is idle, so
 * that kept-alive connections delay nothing. Resolves when the last one is closed, and at once for a server that does not
 * listen.
 *
 * @param signal When it is aborted, the connections that are left are cut.
 * @example gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });
 */
export async function closeServer(server: Server, signal?: AbortSignal): Promise<void> {
  const cut = (): void => server.closeAllConnections();
  const endAfterAnswer: RequestListener = (_, response) => {
    response.shouldKeepAlive = false;
  };
  // A request that came before close() leaves its connection open when it ends, so these are closed from here.
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
