/// <reference types="vite/types/import-meta.d.ts" />
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createBoot, formatBootError, gracefulShutdown } from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';
import { greeter, greeterApi } from './greeter.ts';

const boot = createBoot({
  // Not a pool of our own: Slipway ends the one that it makes, with every boot.
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/greetings',
  plugins: [greeter],
});

const server = createServer(
  nodeListener([probes(boot), gate(boot)], (_, response) => {
    response.end(boot.services.get(greeterApi).greet());
  }),
);
server.on('close', () => console.log('server: closed'));
// tsx and `node --watch` send SIGTERM, and begin a new process when this one has ended.
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

// Vite keeps the process: it waits for this stop, and then runs this module again.
const stop = (): unknown => boot.stop('a file has changed');
import.meta.hot?.accept();
import.meta.hot?.dispose(stop);
import.meta.hot?.on('vite:beforeFullReload', stop);

try {
  server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
  await once(server, 'listening'); // rejects when the port is taken
  console.log('server:', server.address());
  await boot.start();
  console.log('greeter: up');
} catch (error) {
  console.error(formatBootError(error));
  // With Vite, the next change begins the next boot.
  if (!import.meta.hot) process.exitCode ||= 1;
}
