import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { startProxy } from '../support/proxy.ts';
import { createCluster } from './cluster.ts';
import { buildImage, lockImage, removeImages, type Image } from './image.ts';
import { execInContainer, startContainer, type Cluster, type RunningContainer } from './kubelet.ts';
import { findObject, guide } from './manifests.ts';
import { createNextRelease, createProject } from './project.ts';

const db = useDatabase();
let images: Readonly<Record<'1.4.0' | '1.5.0', Image>>;
let workspace: string | undefined;
let whyNot: string | undefined;

beforeAll(async () => {
  const project = await createProject().catch((error: unknown) => {
    // On a user's machine, the registry may be out of reach; in CI, the install has to work.
    if (process.env['CI']) throw error;
    whyNot = `npm cannot install here: ${String(error).slice(0, 300)}`;
  });
  if (!project) return;
  ({ workspace } = project);
  const first = await buildImage(project);
  const second = await buildImage(await createNextRelease(project));
  images = { '1.4.0': first, '1.5.0': second };
  await Promise.all([lockImage(first), lockImage(second)]);
}, 300_000);

beforeEach(({ skip }) => {
  if (whyNot !== undefined) skip(whyNot);
});

afterAll(async () => {
  if (workspace !== undefined) await removeImages(workspace);
});

/** A pod, its first init container and its container. */
interface Pod {
  readonly spec: PodSpec;
  readonly init: Container;
  readonly main: Container;
}

function readPod(file: string, kind: 'Job' | 'Deployment', version?: string): Pod {
  const spec = findObject(file, kind, version).spec?.template.spec;
  const [main] = spec?.containers ?? [];
  const [init = main] = spec?.initContainers ?? [];
  if (!spec || !main || !init) throw new Error(`${file} has no pod`);
  return { spec, init, main };
}

const job = (version?: string): Pod => readPod('migrate-job.yaml', 'Job', version);
const backend = (version?: string): Pod => readPod('deployment.yaml', 'Deployment', version);

const start = (cluster: Cluster, { spec, main }: Pod): RunningContainer =>
  startContainer(cluster, spec, main);
const startInit = (cluster: Cluster, { spec, init }: Pod): RunningContainer =>
  startContainer(cluster, spec, init);

/** Runs a container to its end, which has to be a good one. */
async function complete(container: RunningContainer): Promise<void> {
  const [code, errors] = await Promise.all([container.ended, container.errors]);
  expect(code, errors).toBe(0);
}

/** Waits as the kubelet does: until then, it asks no other probe. */
async function untilStarted(container: RunningContainer, { main }: Pod): Promise<void> {
  await expect.poll(() => container.probe(main.startupProbe)).toBe(200);
}

/** Ends a container as a kubelet does, which kills it when its time is over. */
async function terminate(container: RunningContainer, { spec, main }: Pod): Promise<void> {
  const preStop = main.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const grace = ((spec.terminationGracePeriodSeconds ?? 30) - preStop) * 1_000;
  const killer = setTimeout(() => container.send('SIGKILL'), grace);
  container.send('SIGTERM');
  await complete(container);
  clearTimeout(killer);
}

const isWaitingForJob = ({ event, kind }: Readonly<Record<string, unknown>>): boolean =>
  event === 'boot.waiting' && kind === 'gate';

const post = (body: string): RequestInit => ({ method: 'POST', body });

async function readJson(response: Promise<Response>): Promise<unknown> {
  const answer = await response;
  expect(answer.status).toBe(200);
  return answer.json();
}

it('the init container waits for the Job, the backend starts after both, and a second Job has nothing to do', async () => {
  await using cluster = await createCluster(images, db);
  const waiting = startInit(cluster, backend());
  await waiting.prints(isWaitingForJob);
  await complete(start(cluster, job()));
  await complete(waiting);
  const again = start(cluster, job());
  await complete(again);
  expect(await again.errors).toContain('Nothing to migrate (2 plugins, 2 files).');

  const running = start(cluster, backend());
  await untilStarted(running, backend());
  expect(await readJson(running.request('/api/guestbook', post('Ahoy')))).toEqual({
    id: 1,
    words: 'Ahoy',
  });
  expect(await readJson(running.request('/api/visits'))).toEqual({ visits: 1, entries: 1 });
  const { spec, main } = backend();
  const commands = [...guide.matchAll(/^kubectl exec \S+ -- (.+)$/gm)];
  expect(commands).toHaveLength(2);
  for (const [, command = ''] of commands) {
    const { code, output } = await execInContainer(cluster, spec, main, command.split(' '));
    expect([code, output], command).toEqual([
      0,
      expect.stringMatching(/Nothing to migrate|No replica migrates/),
    ]);
  }
  await terminate(running, backend());
  // One line for each event, and nothing else on standard output.
  expect(running.log.map(({ event }) => event)).toContain('boot.stopped');
});

it('every probe answers as promised while the backend starts, is up, loses its database, and stops', async () => {
  const fresh = await db.fresh();
  await using proxy = await startProxy(fresh.url);
  await using cluster = await createCluster(images, fresh, proxy.url);
  await complete(start(cluster, job()));
  const pod = backend();
  const { startupProbe, readinessProbe, livenessProbe } = pod.main;
  const running = start(cluster, pod);
  const ask = async (): Promise<object> => ({
    startup: await running.probe(startupProbe),
    readiness: await running.probe(readinessProbe),
    liveness: await running.probe(livenessProbe),
  });

  proxy.refuse();
  await running.prints(({ event }) => event === 'boot.waiting');
  expect(await ask()).toEqual({ startup: 503, readiness: 503, liveness: 200 });
  await proxy.restore();
  await untilStarted(running, pod);
  const allGood = { startup: 200, readiness: 200, liveness: 200 };
  expect(await ask()).toEqual(allGood);

  proxy.refuse();
  proxy.reset();
  expect((await running.request('/api/guestbook')).status).toBe(500);
  expect(await ask()).toEqual(allGood);
  await proxy.restore();
  expect(await readJson(running.request('/api/guestbook'))).toEqual([]);

  const ending = terminate(running, pod);
  ending.catch(() => undefined);
  await running.prints(({ event }) => event === 'boot.stopping');
  expect(await ask()).toEqual({ startup: 200, readiness: 503, liveness: 200 });
  expect(await readJson(running.request('/api/guestbook'))).toEqual([]);
  await ending;
  expect(await ask()).toEqual({ startup: 0, readiness: 0, liveness: 0 });
});

it('two releases run side by side: the old one serves while the new one migrates, and may be started again', async () => {
  const fresh = await db.fresh();
  await using cluster = await createCluster(images, fresh);
  await complete(start(cluster, job()));
  const old = start(cluster, backend());
  await untilStarted(old, backend());
  await readJson(old.request('/api/guestbook', post('before')));

  const waiting = startInit(cluster, backend('1.5.0'));
  await waiting.prints(isWaitingForJob);
  expect(await old.probe(backend().main.readinessProbe)).toBe(200);
  await complete(start(cluster, job('1.5.0')));
  await complete(waiting);
  const next = start(cluster, backend('1.5.0'));
  await untilStarted(next, backend('1.5.0'));

  await readJson(old.request('/api/guestbook', post('meanwhile')));
  const entry = JSON.stringify({ words: 'after', author: 'Ada' });
  await readJson(next.request('/api/guestbook', post(entry)));
  expect(await readJson(next.request('/api/guestbook'))).toEqual([
    { id: 1, words: 'before', author: 'unknown' },
    { id: 2, words: 'meanwhile', author: 'unknown' },
    { id: 3, words: 'after', author: 'Ada' },
  ]);
  // A pod of the old release that is moved meanwhile, or a rollback.
  await complete(startInit(cluster, backend()));
  const moved = start(cluster, backend());
  await untilStarted(moved, backend());
  expect(moved.log).toContainEqual(expect.objectContaining({ code: 'MIGRATION_DATABASE_AHEAD' }));

  await Promise.all([terminate(old, backend()), terminate(moved, backend())]);
  expect(await next.probe(backend().main.readinessProbe)).toBe(200);
  await terminate(next, backend('1.5.0'));
});

it('without a Job, the pods that come at once migrate together, and each file runs once', async () => {
  const fresh = await db.fresh();
  await using cluster = await createCluster(images, fresh);
  const pod = readPod('without-job.yaml', 'Deployment');
  const inits = [startInit(cluster, pod), startInit(cluster, pod)];
  await Promise.all(inits.map(complete));
  const applied = inits.flatMap(({ log }) =>
    log.filter(({ event }) => event === 'plugin.migrate.applied').map(({ file }) => file),
  );
  expect(applied).toHaveLength(2);
  expect(new Set(applied)).toEqual(new Set(['0000_days.sql', '0000_entries.sql']));
  const running = start(cluster, pod);
  await untilStarted(running, pod);
  await terminate(running, pod);
});

it('the role of the backend uses the rows and changes no schema', async () => {
  const fresh = await db.fresh();
  await using cluster = await createCluster(images, fresh);
  await complete(start(cluster, job()));
  const client = new Client({ connectionString: cluster.urls.guestbook_app });
  await client.connect();
  try {
    await client.query(`INSERT INTO plugin_guestbook.entries (words) VALUES ('Ahoy')`);
    for (const sql of [
      'CREATE SCHEMA mine',
      'CREATE TABLE plugin_guestbook.mine ()',
      'ALTER TABLE plugin_guestbook.entries ADD mine int',
      'TRUNCATE plugin_guestbook.entries',
    ]) {
      await expect(client.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
  } finally {
    await client.end();
  }
});

it('a Job with a wrong config ends with the code that its policy names', async () => {
  const fresh = await db.fresh();
  await using cluster = await createCluster(images, fresh);
  const { podFailurePolicy } = findObject('migrate-job.yaml', 'Job').spec ?? {};
  const rule = podFailurePolicy?.rules.find(({ action }) => action === 'FailJob')?.onExitCodes;
  const wrong = start({ ...cluster, secrets: { 'guestbook-migrate/DATABASE_URL': '' } }, job());
  expect(rule?.values).toContain(await wrong.ended);
  // The end of it is the message of the pod.
  expect(await wrong.errors).toContain('DATABASE_URL has to name the database');
});

it('a Job that is ended in the middle of a migration leaves nothing half, and the next one goes on', async () => {
  const fresh = await db.fresh();
  await using cluster = await createCluster(images, fresh);
  await complete(start(cluster, job()));
  const reader = new Client({ connectionString: fresh.url });
  await reader.connect();
  await reader.query('BEGIN; SELECT FROM plugin_guestbook.entries');
  const evicted = start(cluster, job('1.5.0'));
  await evicted.prints(({ event }) => event === 'plugin.migrate.retrying');
  evicted.send('SIGTERM');
  expect(await evicted.ended).toBe(143);
  await reader.end();
  const next = start(cluster, job('1.5.0'));
  await complete(next);
  expect(await next.errors).toContain('Applied 1 file (2 plugins, 3 files in all).');
});

it('the image has what the backend imports, and its user can write nowhere', async () => {
  const image = images['1.4.0'];
  const { spec, main } = backend();
  const { runAsUser, runAsGroup } = spec.securityContext ?? {};
  expect(image.user).toBe(`${runAsUser}:${runAsGroup}`);
  expect(image.env).toEqual({ NODE_ENV: 'production' });
  const folder = join(image.root, image.workdir);
  expect(readdirSync(folder).toSorted()).toEqual([
    'dist',
    'migrations',
    'node_modules',
    'package.json',
  ]);
  const packages = readdirSync(join(folder, 'node_modules'));
  for (const unused of ['typescript', 'drizzle-orm']) expect(packages).not.toContain(unused);
  expect(sizeOf(folder)).toBeLessThan(20_000_000);
  const places = ['.', 'dist', 'migrations', 'node_modules', 'node_modules/slipway/dist'];
  const program = `const { writeFileSync } = require('node:fs');
    for (const place of ${JSON.stringify(places)}) {
      let code;
      try { writeFileSync(place + '/x', ''); } catch (error) { code = error.code; }
      console.log(JSON.stringify({ place, code }));
    }`;
  const writer = startContainer({ images, secrets: {} }, spec, { ...main, args: ['-e', program] });
  await complete(writer);
  expect(writer.log).toEqual(places.map((place) => ({ place, code: 'EACCES' })));
});

/** The bytes of all files in a folder. */
function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
