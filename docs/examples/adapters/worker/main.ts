import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { createBoot, definePlugin, formatBootError, gracefulShutdown } from 'slipway';
import { closeServer, nodeListener, probes } from 'slipway/http';

const mails = definePlugin({
  id: 'mails',
  migrations: [
    {
      name: '0000_mails',
      run: (client) =>
        client.query(
          'CREATE TABLE mails (id serial PRIMARY KEY, recipient text NOT NULL, sent_at timestamptz)',
        ),
    },
  ],
  ready({ database, signal, onStop }) {
    const work = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          if (await sendNext(database)) continue;
        } catch (error) {
          console.error(error); // the database of a backend goes away now and then
        }
        await pause(200, undefined, { signal }).catch(() => undefined);
      }
    };
    const ended = work();
    // The signal is aborted already. The mail under way is sent to its end.
    onStop(async () => {
      await ended;
      console.log('mails: stopped');
    });
  },
});

/** Sends one mail, which no other worker gets meanwhile. Returns whether there was one. */
async function sendNext(database: Pool): Promise<boolean> {
  const client = await database.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: number; recipient: string }>(
      'SELECT id, recipient FROM mails WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
    );
    for (const { id, recipient } of rows) {
      await client.query('UPDATE mails SET sent_at = now() WHERE id = $1', [id]);
      console.log('mails: sent to', recipient); // your mail server stands here
    }
    await client.query('COMMIT');
    return rows.length > 0;
  } finally {
    client.release(); // inside of a transaction, which then is rolled back
  }
}

const boot = createBoot({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/mails',
  plugins: [mails],
});

// For the probes of the orchestrator only. It also keeps the process alive.
const server = createServer(
  nodeListener([probes(boot)], (_, response) => response.writeHead(404).end()),
);
gracefulShutdown(boot, { drain: (signal) => closeServer(server, signal) });

try {
  server.listen(Number(process.env['PORT'] ?? 8080), '127.0.0.1');
  await once(server, 'listening'); // rejects when the port is taken
  console.log('server:', server.address());
  await boot.start();
  console.log('worker: up');
} catch (error) {
  console.error(formatBootError(error));
  process.exitCode ||= 1; // a signal has set its own code
}
