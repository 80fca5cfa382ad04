import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createBoot, definePlugin, serviceRef, type Plugin } from 'slipway';
import { startPostgres } from 'slipway/testing';

/**
 * Records two boots of a small backend on a first install: `before.jsonl`, and `after.jsonl` with a lock that another process
 * holds, a slower start of auth and an optional plugin that fails.
 *
 * node --import jiti/register docs/examples/insight/record.ts
 */
const here = import.meta.dirname;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const authApi = serviceRef<string>('auth.api');
const searchApi = serviceRef<string>('search.api');

await using server = await startPostgres();
const folder = await mkdtemp(join(tmpdir(), 'slipway-insight-'));
try {
  await recordBoot('before.jsonl', { authMs: 180, isSearchBroken: false });
  await recordBoot('after.jsonl', { authMs: 420, isSearchBroken: true, isLocked: true });
} finally {
  await rm(folder, { recursive: true });
}

interface Circumstances {
  readonly authMs: number;
  readonly isSearchBroken: boolean;
  readonly isLocked?: boolean;
}

async function recordBoot(name: string, circumstances: Circumstances): Promise<void> {
  const url = await createDatabase(name.replace('.jsonl', ''));
  const holder = new Client({ connectionString: url, application_name: 'slipway/catalog@pod-2' });
  await holder.connect();
  if (circumstances.isLocked) {
    await holder.query(
      `begin; select pg_advisory_xact_lock(('x' || left(encode(sha256('slipway:migrate:plugin_catalog'), 'hex'), 16))::bit(64)::bigint)`,
    );
  }
  const path = join(folder, name);
  const boot = createBoot({
    pool: url,
    plugins: await makePlugins(circumstances),
    hostApp: { name: 'shop', version: circumstances.isLocked ? '2.1.0' : '2.0.0' },
    init: { concurrency: 2 },
    record: path,
  });
  const started = boot.start();
  if (circumstances.isLocked) await sleep(1_300);
  await holder.end();
  await started;
  await boot.stop('SIGTERM');
  // The same on every machine: no paths, and another name of the host.
  const lines = (await readFile(path, 'utf8'))
    .replaceAll(/\\n {4}at [^"\\]*/g, '')
    .replaceAll(`"${hostname()}"`, '"web-1"')
    .replaceAll(`@${hostname()}`, '@web-1');
  await writeFile(join(here, name), lines);
}

async function makePlugins({ authMs, isSearchBroken }: Circumstances): Promise<readonly Plugin[]> {
  return [
    definePlugin({
      id: 'auth',
      version: '1.2.0',
      migrations: await writeFiles({ '0000_users': 'CREATE TABLE users (id int);' }),
      provides: { authApi },
      async init() {
        await sleep(authMs);
        return { authApi: 'auth' };
      },
    }),
    definePlugin({
      id: 'catalog',
      version: '3.0.1',
      deps: { auth: authApi },
      migrations: await writeFiles({
        '0000_items': 'CREATE TABLE items (id int);',
        '0001_backfill':
          'CREATE TABLE prices (id int, price int);\n--> statement-breakpoint\nINSERT INTO prices SELECT n, n FROM generate_series(1, 400000) AS n;',
      }),
      init: () => sleep(60),
    }),
    definePlugin({
      id: 'search',
      required: false,
      provides: { searchApi },
      async init() {
        await sleep(40);
        if (isSearchBroken) throw new Error('connect ECONNREFUSED 10.0.0.9:9200');
        return { searchApi: 'search' };
      },
    }),
    definePlugin({ id: 'suggest', required: false, deps: { search: searchApi } }),
    definePlugin({ id: 'mail', init: () => sleep(150) }),
    definePlugin({ id: 'billing', after: ['catalog'], init: () => sleep(90) }),
  ];
}

async function writeFiles(files: Readonly<Record<string, string>>): Promise<string> {
  const migrations = await mkdtemp(join(folder, 'drizzle-'));
  const entries = Object.keys(files).map((tag, idx) => ({
    idx,
    version: '7',
    when: 1_700_000_000_000 + idx,
    tag,
    breakpoints: true,
  }));
  await mkdir(join(migrations, 'meta'));
  const journal = { version: '7', dialect: 'postgresql', entries };
  await writeFile(join(migrations, 'meta/_journal.json'), JSON.stringify(journal));
  for (const [tag, sql] of Object.entries(files))
    await writeFile(join(migrations, `${tag}.sql`), sql);
  return migrations;
}

async function createDatabase(name: string): Promise<string> {
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(server.url);
  url.pathname = name;
  return url.href;
}
