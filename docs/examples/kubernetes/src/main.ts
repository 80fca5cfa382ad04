import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BootError, createBoot, formatBootError, gracefulShutdown } from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';
import { describeBackend, logger, routes } from './backend.ts';

const boot = createBoot(describeBackend());

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?');
  const route = routes.get(`${request.method} ${path}`);
  try {
    const value = route ? await route(request) : 'There is nothing here';
    response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  } catch (error) {
    logger.error({ err: error, path }, 'a request failed');
    response.writeHead(500).end();
  }
}

const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
const server = createServer(
  nodeListener(front, (request, response) => void answer(request, response)),
);

// The probes have to answer while the boot starts, so the server listens first.
server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '127.0.0.1', () => {
  logger.info({ address: server.address() }, 'listening');
});
// For two seconds, load balancers that ask for /readyz see a 503 while requests are still answered.
gracefulShutdown(boot, { delay: '2s', drain: (signal) => closeServer(server, signal) });

try {
  await boot.start();
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  console.error(formatBootError(error));
  // A signal before it was ready has set its own code.
  process.exitCode ||= 1;
}
