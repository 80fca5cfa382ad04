import { once } from 'node:events';
import { createServer } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import {
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';

const routes = serviceRef<FastifyInstance>('http.routes');

const guestbook = definePlugin({
  id: 'guestbook',
  migrations: [
    {
      name: '0000_entries',
      run: (client) => client.query('CREATE TABLE entries (id serial PRIMARY KEY, words text)'),
    },
  ],
  deps: { router: routes },
  init({ router, database, onStop }) {
    router.get('/api/guestbook', async () => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return rows;
    });
    router.post('/api/guestbook', async ({ body }, reply) => {
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [body],
      );
      return reply.code(201).send(rows[0]);
    });
    onStop(() => console.log('guestbook: stopped'));
  },
});

const app = fastify();

/** Every plugin has added its routes when the ready hooks run: now Fastify may compile them. */
const http = definePlugin({
  id: 'http',
  init({ onStop }) {
    onStop(() => app.close()); // the onClose hooks of Fastify's own plugins
  },
  async ready() {
    await app.ready();
  },
});

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook, http],
  services: [provide(routes, app)],
});

// A server of our own, because app.listen() would take no more routes from the plugins.
const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
const server = createServer(
  nodeListener(front, (request, response) => app.routing(request, response)),
);
server.on('close', () => console.log('server: closed'));
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
  await once(server, 'listening'); // rejects when the port is taken
  console.log('server:', server.address());
  await boot.start();
  console.log('guestbook: open');
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode ||= 1; // a signal has set its own code
}
