import { once } from 'node:events';
import { createServer } from 'node:http';
import { run } from 'graphile-worker';
import { Pool } from 'pg';
import {
  collectionRef,
  createBoot,
  definePlugin,
  formatBootError,
  gracefulShutdown,
  provide,
  serviceRef,
} from 'slipway';
import { closeServer, nodeListener, probes } from 'slipway/http';

/** A kind of job. Any plugin may bring some. */
interface Task {
  readonly name: string;
  readonly run: (payload: unknown) => Promise<void>;
}
const tasks = collectionRef<Task>('jobs.tasks');
const hostPool = serviceRef<Pool>('host.pool');

/** Comes up after every plugin that brings tasks, and stops before them. */
const jobs = definePlugin({
  id: 'jobs',
  deps: { tasks, pool: hostPool },
  async init({ tasks: all, pool, onStop }) {
    // The gate is open: every table that a task may touch is there. Here, graphile-worker migrates its own schema.
    const runner = await run({
      pgPool: pool,
      concurrency: 4,
      noHandleSignals: true, // the boot stops it
      parsedCronItems: [], // no file of recurring jobs
      // Without it, stop() does not wait until the last jobs are marked as done, and they would run again.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
      taskList: Object.fromEntries(all.map((task) => [task.name, task.run])),
    });
    runner.promise.catch((error: unknown) => console.error('jobs: ended by itself', error));
    // Waits for the jobs under way; other replicas get the rest.
    onStop(async () => {
      await runner.stop();
      console.log('jobs: stopped');
    });
  },
});

const signups = definePlugin({
  id: 'signups',
  migrations: [
    {
      name: '0000_readers',
      run: (client) => client.query('CREATE TABLE readers (name text, welcomed bool)'),
    },
  ],
  provides: { welcome: tasks },
  init({ database, onStop }) {
    onStop(() => console.log('signups: stopped'));
    return {
      welcome: {
        name: 'welcome',
        async run(payload) {
          const { name } = payload as { readonly name: string };
          await database.query('UPDATE readers SET welcomed = true WHERE name = $1', [name]);
          console.log('signups: welcomed', name);
        },
      },
    };
  },
  async ready({ database }) {
    // One transaction: no reader without a job, and no job without a reader.
    const client = await database.connect();
    try {
      await client.query('BEGIN');
      await client.query("INSERT INTO readers VALUES ('Ada', false)");
      await client.query(`SELECT graphile_worker.add_job('welcome', '{"name": "Ada"}')`);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  },
});

const pool = new Pool({
  connectionString: process.env['DATABASE_URL'] ?? 'postgres://localhost/signups',
  max: 10,
});
// A connection that breaks is replaced; without a listener it would end the process. graphile-worker wants both.
const report = (error: Error): void => console.error('a connection broke:', error.message);
pool.on('error', report);
pool.on('connect', (client) => client.on('error', report));

const boot = createBoot({
  pool,
  plugins: [jobs, signups],
  services: [provide(hostPool, pool)],
});

boot.once('boot.stopped', () => pool.end());

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
