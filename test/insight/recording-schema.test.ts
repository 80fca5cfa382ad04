import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import schema from '../../src/insight/recording.schema.json' with { type: 'json' };
import { bootEventNames, definePlugin, type BootOptions, type Plugin } from '../../src/index.ts';
import { keeping, patient, progressOf, useSessions } from '../boot/watched-boot.ts';
import { holdLock } from '../http/held-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
const openSession = useSessions();

const validate = new Ajv2020().compile(schema);
/** The published schema is open, so that newer lines are valid. This one also finds a field that no type declares. */
const validateStrictly = new Ajv2020().compile(close(schema) as object);

/** Allows no other fields anywhere. */
function close(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(close);
  if (typeof part !== 'object' || part === null) return part;
  const closed = Object.fromEntries(Object.entries(part).map(([key, each]) => [key, close(each)]));
  return 'properties' in part ? { ...closed, additionalProperties: false } : closed;
}

const lines: string[] = [];
const record = (text: string): void => void lines.push(...text.trimEnd().split('\n'));
const options = (plugins: readonly Plugin[], more: Partial<BootOptions> = {}): BootOptions => ({
  pool: db.url,
  plugins,
  record,
  ...more,
});

const types = (): readonly unknown[] =>
  lines.map((line) => (JSON.parse(line) as { readonly type?: unknown }).type);

describe('the schema of a recording', () => {
  it('fits a boot that comes up', async () => {
    const { boot } = bootUnderTest(
      options(
        [
          {
            id: 'catalog',
            version: '1.0.0',
            migrations: await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' }),
          },
          definePlugin({ id: 'billing', after: ['catalog'], ready: () => {} }),
        ],
        { hostApp: { name: 'shop' } },
      ),
    );
    await boot.start();
    await boot.stop();
  });

  it('fits a boot that fails, with every kind of error', async () => {
    const deep = new AggregateError([new Error('one'), 'two'], 'both', {
      cause: Object.assign(new TypeError('why'), { code: 'EWHY' }),
    });
    const { boot } = bootUnderTest(
      options([{ id: 'broken', init: () => Promise.reject(deep) }, { id: 'fine' }]),
    );
    await failureOf(boot.start());
    const { boot: other } = bootUnderTest(
      options([
        { id: 'search', migrations: await migrationFolder({ '0000_a': 'CREATE TABEL a ();' }) },
      ]),
    );
    await failureOf(other.start());
    const { boot: third } = bootUnderTest(
      options([
        { id: 'a', after: ['b'] },
        { id: 'b', after: ['a'] },
      ]),
    );
    await failureOf(third.start());
  });

  it('fits a boot that waits for a lock, emits a heartbeat and tries again', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationLockKey('plugin_catalog'));
    let attempts = 0;
    const init = (): void => {
      attempts += 1;
      if (attempts === 1) throw new Error('not yet');
    };
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
    const retry = { attempts: 2, backoff: 1 };
    const { boot } = bootUnderTest(
      options([definePlugin({ id: 'catalog', migrations, init, retry })], { pool: url }),
    );
    boot.once('boot.progress', () => void lock.release());
    await boot.start();
    await boot.stop();
  });

  it('fits a boot that tells the usual times of its plugins', async () => {
    const { url: pool } = await db.fresh();
    const before = bootUnderTest(
      options([{ id: 'slow', init() {} }], { pool, history: true }),
    ).boot;
    await before.start();
    await before.stop();
    const isTold = deferred();
    const slow = { id: 'slow', init: () => isTold.promise };
    const { boot } = bootUnderTest(options([slow], { pool, history: true }));
    boot.once('history.read', () => isTold.resolve());
    await boot.start();
    await boot.stop();
  });

  it('fits a boot whose file keeps a session waiting', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, 42n);
    const reader = await openSession(url, 'api');
    const { boot } = bootUnderTest(
      options([{ id: 'catalog', migrations: await keeping('ALTER TABLE orders ADD note text;') }], {
        pool: url,
        migrations: patient,
      }),
    );
    let reading: Promise<unknown> | undefined;
    boot.on('plugin.migrate.executed', ({ file, statement }) => {
      if (file !== '0001_orders.sql' || statement !== 1) return;
      reading = reader.query('SELECT FROM plugin_catalog.orders');
    });
    const seen = progressOf(boot, ({ behind, blockers }) => behind && blockers);
    const started = boot.start();
    await seen;
    await lock.release();
    await started;
    await reading;
    await boot.stop();
  });

  it('fits a boot whose plugins come and go', async () => {
    const { boot } = bootUnderTest(options([{ id: 'auth' }, { id: 'web', after: ['auth'] }]));
    await boot.start();
    await boot.add({
      id: 'reviews',
      migrations: await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' }),
    });
    const broken = definePlugin({ id: 'broken', init: () => Promise.reject(new Error('no')) });
    await failureOf(boot.add(broken));
    await boot.remove('reviews');
    await failureOf(boot.remove('broken'));
    await boot.stop();
  });

  it('fits a boot of a plugin with tenants', async () => {
    const migrations = await migrationFolder({ '0000_a': 'CREATE TABLE a (id int);' });
    const plugin = { id: 'shop', migrations, tenants: () => ['acme', 'globex'] };
    const { boot } = bootUnderTest(options([plugin]));
    await boot.start();
    await boot.stop();
  });

  it('fits every line of these', () => {
    for (const line of lines) {
      const value: unknown = JSON.parse(line);
      expect(validate(value), line).toBe(true);
      validateStrictly(value);
      expect(validateStrictly.errors, line).toBe(null);
    }
    const seen = types();
    const missing = bootEventNames.filter((name) => !seen.includes(name));
    // Each of these needs a database of its own kind.
    expect(missing).toEqual([
      'boot.waiting',
      'boot.warning',
      'plugin.migrate.warning',
      'plugin.migrate.renamed',
      'plugin.migrate.retrying',
    ]);
  });

  it.each([
    ['an unknown type', { seq: 1, t: 1, type: 'boot.exploded' }],
    ['no time', { seq: 1, type: 'phase.started', phase: 'sort' }],
    ['a phase that does not exist', { seq: 1, t: 1, type: 'phase.started', phase: 'party' }],
    ['a number as text', { seq: '1', t: 1, type: 'phase.started', phase: 'sort' }],
    ['a missing field', { seq: 1, t: 1, type: 'plugin.init.started', plugin: 'a' }],
    [
      'an error that is a text',
      { seq: 1, t: 1, type: 'boot.finished', outcome: 'failed', durationMs: 1, error: 'x' },
    ],
    [
      'another format',
      {
        format: 'slipway-recording/2',
        bootId: '',
        startedAt: 1,
        versions: { slipway: '', node: '' },
        host: '',
        machines: [],
      },
    ],
    ['a list', []],
  ])('refuses %s', (_, line) => {
    expect(validate(line)).toBe(false);
  });
});
