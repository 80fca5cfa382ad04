import { Client } from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { probes } from '../../src/http/index.ts';
import {
  definePlugin,
  serviceRef,
  type Boot,
  type BootEventName,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import {
  criticalChain,
  exportStory,
  headline,
  readStory,
  storyOf,
  verify,
  waits,
  why,
} from '../../src/insight.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { holdLock } from '../http/held-lock.ts';
import { expectToParse } from './exports/mermaid.ts';
import { readSpans } from './exports/read-otlp.ts';
import { expectToStandAlone } from './exports/read-svg.ts';
import { readTrace } from './exports/read-trace.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { untilFound } from '../support/server-sessions.ts';

vi.setConfig({ testTimeout: 60_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

/** The recording of the boot of a test. */
let recorded = '';

/** Boots, records it, and checks after the test that other tools can open the recording, in the middle and at its end. */
function stageSituation(options: BootOptions): Boot {
  recorded = '';
  return bootUnderTest({ ...options, record: (lines) => void (recorded += lines) }).boot;
}

afterEach(() => expectToOpenEverywhere(recorded));

async function expectToOpenEverywhere(recording: string): Promise<void> {
  const story = await readStory(recording.split('\n'));
  expect(verify(story)).toEqual([]);
  for (const moment of [story.at(story.endMs / 2), story]) {
    readTrace(exportStory(moment, 'trace'));
    readSpans(exportStory(moment, 'otlp'));
    await expectToParse(moment);
    expectToStandAlone(exportStory(moment, 'svg'));
    expect(exportStory(moment, 'markdown')).toContain(moment.bootId);
  }
}

const next = (boot: Boot, name: BootEventName): Promise<unknown> =>
  new Promise((resolve) => boot.once(name, resolve));

/** A logger that keeps the messages of heartbeats. */
function keepHeartbeats() {
  const heartbeats: string[] = [];
  const keep = (fields: unknown, message?: string): void => {
    const { event } = fields as { readonly event?: string };
    if (event === 'boot.progress' && message !== undefined) heartbeats.push(message);
  };
  return { heartbeats, logger: { debug: keep, info: keep, warn: keep, error: keep } };
}

/** All that people see of a boot at one moment: the same sentence everywhere. */
async function lookAt(boot: Boot, heartbeats: readonly string[]): Promise<string> {
  const answer = probes(boot)({
    method: 'GET',
    url: 'http://localhost/startupz',
    headers: { get: () => null },
  });
  const body = (await answer?.json()) as { readonly headline: string };
  const seen = [headline(storyOf(boot)), body.headline, heartbeats.at(-1) ?? ''].map(withoutTimes);
  expect(new Set(seen)).toEqual(new Set([seen[0]]));
  return seen[0] ?? '';
}

/** Sentences with times and pids as `0`. */
function withoutTimes(text: string): string {
  return text
    .replaceAll(/\d+(?:\.\d+)?(?:ms|s)\b|\d+m \d\ds/g, '0s')
    .replaceAll(/pid \d+/g, 'pid 0');
}

describe('a person who looks at a boot', () => {
  it('sees the plugin, the file and the statement of a slow migration', async () => {
    const { url } = await db.fresh();
    await using hold = await holdLock(url, 42n);
    const migrations = await migrationFolder({
      '0000_items': 'CREATE TABLE items (id int);',
      '0001_backfill': [
        'CREATE TABLE more (id int);',
        'INSERT INTO more SELECT 1 FROM pg_advisory_xact_lock(42);',
      ].join('\n--> statement-breakpoint\n'),
    });
    const { heartbeats, logger } = keepHeartbeats();
    const plugins: Plugin[] = [
      { id: 'catalog', migrations },
      {
        id: 'billing',
        migrations: await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' }),
        after: ['catalog'],
      },
    ];
    const boot = stageSituation({ pool: url, plugins, logger });
    const isSlow = new Promise<void>((resolve) => {
      boot.on('plugin.migrate.executing', ({ file, statement }) => {
        if (file === '0001_backfill.sql' && statement === 2) resolve();
      });
    });
    const report = boot.start();
    await isSlow;
    await next(boot, 'boot.progress');
    expect(await lookAt(boot, heartbeats)).toBe(
      'catalog applies 0001_backfill.sql (file 2 of 2): statement 2 of 2, INSERT INTO, has run for 0s; billing waits for it (0 of 2 migrated)',
    );
    expect(withoutTimes(why(storyOf(boot), 'billing').sentence)).toBe(
      'billing waits for catalog: catalog applies 0001_backfill.sql (file 2 of 2): statement 2 of 2, INSERT INTO, has run for 0s',
    );
    expect(boot.state().running).toMatchObject([
      {
        plugin: 'catalog',
        step: 'migrate',
        file: { file: '0001_backfill.sql', line: 3, statement: 2 },
      },
    ]);
    expect(boot.state().waiting).toMatchObject([
      { plugin: 'billing', step: 'migrate', wait: { kind: 'dependency', plugins: ['catalog'] } },
    ]);
    await hold.release();
    await report;
    const story = storyOf(boot);
    expect(criticalChain(story).map(({ plugin, step }) => plugin ?? step)).toContain('billing');
    const [catalog] = waits(story);
    expect(catalog?.migrate.statementMs).toBeGreaterThan(0);
  });

  it('sees who holds a lock that is waited for, and who blocks that one', async () => {
    const database = await db.fresh();
    const { url } = database;
    await using holder = new Holder(url, 'slipway/catalog@pod-2');
    await using blocker = new Holder(url, 'psql');
    await holder.connect(`select pg_advisory_lock(${migrationLockKey('plugin_catalog')})`);
    await blocker.connect('begin; create table public.busy (id int)');
    holder.runs('create table public.busy (id int)');
    await untilFound(
      database,
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    const { heartbeats, logger } = keepHeartbeats();
    const migrations = await migrationFolder({ '0000_items': 'CREATE TABLE items (id int);' });
    const boot = stageSituation({ pool: url, plugins: [{ id: 'catalog', migrations }], logger });
    const beat = next(boot, 'boot.progress');
    const report = boot.start();
    await beat;
    const sentence = await lookAt(boot, heartbeats);
    expect(sentence).toMatch(
      /^catalog waits 0s for its migration lock, held by slipway\/catalog@pod-2 \(pid 0/,
    );
    expect(sentence).toMatch(/it waits for psql \(pid 0, idle in transaction/);
    const { chain } = why(storyOf(boot), 'catalog');
    expect(chain.map(({ kind }) => kind)).toEqual(['lock', 'session', 'session']);
    await blocker.end();
    await holder.end();
    await report;
    expect(waits(storyOf(boot))[0]?.migrate.lockMs).toBeGreaterThan(0);
  });

  it('sees which init hangs, and what waits for it', async () => {
    const { heartbeats, logger } = keepHeartbeats();
    const authApi = serviceRef<string>('auth.api');
    const release = deferred();
    const auth = definePlugin({
      id: 'auth',
      provides: { authApi },
      init: async () => {
        await release.promise;
        return { authApi: 'up' };
      },
    });
    const dependents = Array.from({ length: 10 }, (_, at) =>
      definePlugin({ id: `p${at}`, deps: { auth: authApi } }),
    );
    const boot = stageSituation({ pool: db.url, plugins: [auth, ...dependents], logger });
    const beat = next(boot, 'boot.progress');
    const report = boot.start();
    await beat;
    expect(await lookAt(boot, heartbeats)).toBe(
      'auth starts: its init has run for 0s; p0, p1 and 8 more wait for it (0 of 11 started)',
    );
    release.resolve();
    await report;
    expect(headline(storyOf(boot))).toMatch(/^All 11 plugins are up after /);
  });

  it('sees the statement that failed, and where', async () => {
    const { url } = await db.fresh();
    const migrations = await migrationFolder({
      '0000_items':
        'CREATE TABLE items (id int);\n--> statement-breakpoint\nSELECT * FROM nowhere;',
    });
    const boot = stageSituation({ pool: url, plugins: [{ id: 'catalog', migrations }] });
    await failureOf(boot.start());
    const sentence = headline(storyOf(boot));
    expect(sentence).toMatch(/^The boot failed after .*catalog.*0000_items\.sql/);
    expect(sentence).toMatch(/nowhere/);
    expect(boot.state().headline).toBe(sentence);
    expect(why(storyOf(boot), 'catalog').chain).toMatchObject([
      { plugin: 'catalog', kind: 'failed' },
    ]);
  });

  it('sees the one cause by which ten plugins did not start', async () => {
    const authApi = serviceRef<string>('auth.api');
    const auth = definePlugin({
      id: 'auth',
      provides: { authApi },
      init: () => Promise.reject(new Error('connect ECONNREFUSED redis:6379')),
    });
    const dependents = Array.from({ length: 10 }, (_, at) =>
      definePlugin({ id: `p${at}`, deps: { auth: authApi } }),
    );
    const boot = stageSituation({ pool: db.url, plugins: [auth, ...dependents] });
    await failureOf(boot.start());
    const cause = 'auth failed to start: connect ECONNREFUSED redis:6379';
    expect(withoutTimes(headline(storyOf(boot)))).toBe(
      `The boot failed after 0s: p0, p1 and 8 more did not start because ${cause}`,
    );
    expect(why(storyOf(boot), 'p7').sentence).toBe(`p7 did not start because of auth: ${cause}`);
  });
});

/** A session of another process. */
class Holder implements AsyncDisposable {
  readonly #client: Client;
  #ending: Promise<void> | undefined;

  constructor(url: string, name: string) {
    this.#client = new Client({ connectionString: url, application_name: name });
    this.#client.on('error', () => {});
  }

  async connect(sql: string): Promise<void> {
    await this.#client.connect();
    await this.#client.query(sql);
  }

  /** Sends a statement that waits. */
  runs(sql: string): void {
    this.#client.query(sql).catch(() => {});
  }

  end(): Promise<void> {
    return (this.#ending ??= this.#client.end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
