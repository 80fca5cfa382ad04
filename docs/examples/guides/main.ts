import { createServer } from 'node:http';
import { Pool } from 'pg';
import pino from 'pino';
import { createLiveOutput, formatBootError, gracefulShutdown } from 'slipway';
import { closeServer } from 'slipway/http';
import { createLibrary } from './library.ts';
import { overviewApi } from './overview.ts';

const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info' }, pino.destination(2));
const pool = new Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
// The pool replaces an idle connection that breaks; without a listener it would end the process.
pool.on('error', (error) => logger.warn({ err: error }, 'an idle connection broke'));

const mail = { send: async (to: string, text: string) => logger.info({ to, text }, 'mail') };
const boot = createLibrary({ pool, mail, logger });
boot.once('boot.stopped', () => pool.end());
if (process.stdout.isTTY) boot.onAny(createLiveOutput({ stream: process.stdout }));

const server = createServer((_, response) => {
  const overview = boot.services.get(overviewApi);
  overview.read().then(
    (counts) => response.end(JSON.stringify(counts)),
    (error: unknown) => {
      logger.error({ err: error }, 'no overview');
      response.writeHead(500).end();
    },
  );
});
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  await boot.start();
  server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode ||= 1;
}
