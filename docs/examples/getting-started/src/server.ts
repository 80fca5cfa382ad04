import { createServer } from 'node:http';
import { createBoot, formatBootError, gracefulShutdown } from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';
import { backend } from './backend.ts';
import { ordersApi } from './orders.ts';

const boot = createBoot({ ...backend, logger: 'info' });

const server = createServer(
  nodeListener([probes(boot), gate(boot)], (request, response) => {
    const sku = (request.url ?? '/').slice(1);
    boot.services
      .get(ordersApi)
      .place(sku)
      .then(
        (order) => response.writeHead(order ? 201 : 404).end(JSON.stringify(order ?? null)),
        () => response.writeHead(500).end(),
      );
  }),
);

// The probes answer from here on. Other requests get 503 until the boot is ready.
server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  await boot.start();
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode ||= 1;
}
