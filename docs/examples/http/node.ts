import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
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

/** What a route answers is sent as JSON. */
type Route = (request: IncomingMessage) => Promise<unknown>;

const routes = new Map<string, Route>();
const router = serviceRef<Map<string, Route>>('http.router');

const guestbook = definePlugin({
  id: 'guestbook',
  migrations: new URL('./guestbook', import.meta.url),
  deps: { router },
  init({ router: all, database }) {
    all.set('GET /api/guestbook', async () => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      return rows;
    });
    all.set('POST /api/guestbook', async (request) => {
      const words = await text(request);
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [words],
      );
      return rows[0];
    });
  },
});

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook],
  services: [provide(router, routes)],
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '/'] = (request.url ?? '/').split('?');
  const route = routes.get(`${request.method} ${path}`);
  try {
    const value = route ? await route(request) : 'There is nothing here';
    response.writeHead(route ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
}

const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
const server = createServer(
  nodeListener(front, (request, response) => void answer(request, response)),
);

// From here on the probes answer, and a signal ends everything in good order.
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
