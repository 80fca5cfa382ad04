import { createServer } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import {
  BootError,
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';

const app = fastify();
const router = serviceRef<FastifyInstance>('http.router');

const guestbook = definePlugin({
  id: 'guestbook',
  migrations: new URL('./guestbook', import.meta.url),
  deps: { router },
  init({ router: all, database }) {
    all.get('/api/guestbook', async () => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return rows;
    });
    all.post('/api/guestbook', async ({ body }) => {
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [body],
      );
      return rows[0];
    });
  },
});

/** Every plugin has added its routes when the ready hooks run: now Fastify may compile them. */
const http = definePlugin({
  id: 'http',
  init({ onStop }) {
    onStop(() => app.close());
  },
  async ready() {
    await app.ready();
  },
});

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook, http],
  services: [provide(router, app)],
});

// A server of our own, because app.listen() would take no more routes from the plugins.
const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
const server = createServer(
  nodeListener(front, (request, response) => app.routing(request, response)),
);
server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '127.0.0.1', () => {
  console.log(`Listening: ${JSON.stringify(server.address())}`);
});
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  await boot.start();
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  console.error(formatBootError(error));
  // A signal before it was ready has set its own code.
  process.exitCode ||= 1;
}
