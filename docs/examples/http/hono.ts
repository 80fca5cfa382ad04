import { Hono } from 'hono';
import {
  BootError,
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, gate, probes } from 'slipway/http';
import { serve } from './serve-fetch.ts';

const app = new Hono();
const router = serviceRef<Hono>('http.router');

const guestbook = definePlugin({
  id: 'guestbook',
  migrations: new URL('./guestbook', import.meta.url),
  deps: { router },
  init({ router: all, database }) {
    all.get('/api/guestbook', async (context) => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return context.json(rows);
    });
    all.post('/api/guestbook', async (context) => {
      const words = await context.req.text();
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [words],
      );
      return context.json(rows[0]);
    });
  },
});

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook],
  services: [provide(router, app)],
});

// Before the application, not as its middleware: Hono takes no more routes once it has seen a request.
const probe = probes(boot);
const guard = gate(boot, { pluginOf: '/api/' });
const server = serve(
  {
    fetch: (request) => probe(request) ?? guard(request) ?? app.fetch(request),
    port: Number(process.env['PORT'] ?? 8080),
    hostname: process.env['HOST'] ?? '127.0.0.1',
  },
  () => console.log(`Listening: ${JSON.stringify(server.address())}`),
);
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  await boot.start();
} catch (error) {
  if (!(error instanceof BootError)) throw error;
  console.error(formatBootError(error));
  // A signal before it was ready has set its own code.
  process.exitCode ||= 1;
}
