import { once } from 'node:events';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import {
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, gate, probes } from 'slipway/http';

const routes = serviceRef<Hono>('http.routes');

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
    router.get('/', async (context) => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return context.json(rows);
    });
    router.post('/', async (context) => {
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [await context.req.text()],
      );
      return context.json(rows[0], 201);
    });
    onStop(() => console.log('guestbook: stopped'));
  },
});

const app = new Hono();
const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook],
  // The same application for each plugin, with the plugin's path before its routes.
  services: [provide(routes, ({ plugin }) => app.basePath(`/api/${plugin}`))],
});

// Before the application, not as its middleware: Hono takes no more routes once it has seen a request.
const probe = probes(boot);
const guard = gate(boot, { pluginOf: '/api/' });
const server = createAdaptorServer({
  fetch: (request, env) => probe(request) ?? guard(request) ?? app.fetch(request, env),
}) as Server; // of node:http, because no other createServer is given
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
