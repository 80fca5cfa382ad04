import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { definePlugin, serviceRef } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { collect, replayMachines, write } from '../support/replay-machines.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const unheard: unknown[] = [];
const hear = (reason: unknown): void => void unheard.push(reason);
beforeEach(() => {
  process.on('unhandledRejection', hear);
  process.on('uncaughtException', hear);
});
afterEach(async () => {
  // The process reports a rejection at the end of its turn, and XState an error in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', hear);
  process.off('uncaughtException', hear);
  const heard = unheard.splice(0);
  if (heard.length > 0) throw new Error(`${heard.length} errors that nothing has caught`);
});

const auth = definePlugin({ id: 'auth', init: () => {} });

describe('an observer of the machines', () => {
  it('that throws or rejects is logged with the type of the record, and the boot goes on', async () => {
    const warnings: object[] = [];
    const { records, observe } = collect();
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [auth],
      logger: {
        debug: () => {},
        info: () => {},
        error: () => {},
        warn: (fields) => void warnings.push(fields as object),
      },
    });
    boot.inspect(() => {
      throw new Error('thrown');
    });
    boot.inspect(() => Promise.reject(new Error('rejected')));
    boot.inspect(observe);
    expect((await boot.start()).outcome).toBe('ready');
    await boot.stop();
    expect(replayMachines(records).states).toMatchObject({ boot: 'stopped' });
    for (const message of ['thrown', 'rejected']) {
      const own = warnings.filter(
        (fields) => 'err' in fields && (fields.err as Error).message === message,
      );
      expect(
        own.map((fields) => ('record' in fields ? String(fields.record) : '')).toSorted(),
      ).toEqual(records.map(({ type }) => type).toSorted());
    }
  });

  it('that throws does no harm when the logger throws, too', async () => {
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [auth],
      logger: {
        debug: () => {},
        info: () => {},
        error: () => {},
        warn: () => {
          throw new Error('no log');
        },
      },
    });
    boot.inspect(() => {
      throw new Error('thrown');
    });
    expect((await boot.start()).outcome).toBe('ready');
  });

  it('may stop the boot at any record, and every other observer still sees one order', async () => {
    const whole = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    boot.inspect(whole.observe);
    await boot.start();
    await boot.stop();
    for (const at of whole.records.keys()) {
      const first = collect();
      const second = collect();
      const stopped = bootUnderTest({ pool: db.url, plugins: [auth] }).boot;
      stopped.inspect((record) => {
        first.observe(record);
        if (first.records.length === at + 1) void stopped.stop('seen enough');
      });
      stopped.inspect(second.observe);
      await stopped.start().catch(() => {});
      await stopped.stop();
      expect(second.records, write(whole.records)[at]).toEqual(first.records);
      const { alive, states } = replayMachines(second.records);
      expect(alive, write(whole.records)[at]).toEqual(new Map());
      expect(states['boot'], write(whole.records)[at]).toBe('stopped');
    }
  });
});

describe('records', () => {
  it('hold names only: no secret of an option, a service or an error is in any of them', async () => {
    const secret = 'hunter2';
    const { url } = await db.fresh();
    const keys = serviceRef<{ readonly key: string }>('keys.api');
    const { records, observe } = collect();
    const { boot } = bootUnderTest({
      pool: `${url}${url.includes('?') ? '&' : '?'}application_name=${secret}`,
      plugins: [
        definePlugin({
          id: 'keys',
          provides: { api: keys },
          init: () => ({ api: { key: secret } }),
        }),
        definePlugin({
          id: 'broken',
          required: false,
          deps: { api: keys },
          init: ({ api }) => Promise.reject(Object.assign(new Error(secret), { key: api.key })),
        }),
      ],
    });
    boot.inspect(observe);
    expect((await boot.start()).outcome).toBe('degraded');
    await boot.stop(secret);
    expect(replayMachines(records).began.has('init')).toBe(true);
    expect(JSON.stringify(records)).not.toContain(secret);
    const fields = new Set(records.flatMap((record) => Object.keys(record)));
    expect([...fields].toSorted()).toEqual(
      [
        'actions',
        'elapsedMs',
        'event',
        'from',
        'id',
        'parent',
        'ref',
        'source',
        'src',
        'state',
        'status',
        'to',
        'type',
      ].toSorted(),
    );
  });
});
