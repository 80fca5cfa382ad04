import { once } from 'node:events';
import { createServer } from 'node:http';
import express, { Router, type ErrorRequestHandler } from 'express';
import {
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, gate, nodeListener, probes } from 'slipway/http';

const routes = serviceRef<Router>('http.routes');

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
    router.get('/', async (_, response) => {
      const { rows } = await database.query('SELECT id, words FROM entries ORDER BY id');
      response.json(rows);
    });
    router.post('/', express.text({ limit: '1mb' }), async ({ body }, response) => {
      const { rows } = await database.query(
        'INSERT INTO entries (words) VALUES ($1) RETURNING id, words',
        [body],
      );
      response.status(201).json(rows[0]);
    });
    onStop(() => console.log('guestbook: stopped'));
  },
});

const app = express();
const api = Router();
app.use('/api', api); // before the error handler, which comes last in Express
const answerError: ErrorRequestHandler = (error, _, response, next) => {
  console.error(error);
  if (response.headersSent) next(error);
  else response.status(500).json({ error: 'Something went wrong on our side' });
};
app.use(answerError);

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/guestbook',
  plugins: [guestbook],
  services: [
    // A router for each plugin. Express takes routes at any time.
    provide(routes, ({ plugin }) => {
      const router = Router();
      api.use(`/${plugin}`, router);
      return router;
    }),
  ],
});

const front = [probes(boot), gate(boot, { pluginOf: '/api/' })];
const server = createServer(nodeListener(front, app));
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
