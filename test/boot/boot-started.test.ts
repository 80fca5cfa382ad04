import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

test('boot.started names the versions, the process, the machine, and how much may go on at once', async () => {
  const { boot, recording } = bootUnderTest({
    pool: db.pool({ max: 3 }),
    migrations: { concurrency: 10 },
    init: { concurrency: 5 },
    hostApp: { name: 'shop', version: '1.2.3' },
  });
  await boot.start();
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { readonly version: string };
  const [started] = recording.of('boot.started');
  expect(started).toMatchObject({
    seq: 1,
    until: 'ready',
    versions: { slipway: version, node: process.versions.node },
    pid: process.pid,
    host: hostname(),
    slots: { migrate: 3, init: 5 },
    poolSize: 3,
    hostApp: { name: 'shop', version: '1.2.3' },
  });
  expect(started?.processUptimeMs).toBeGreaterThan(0);
  expect(Number.isInteger(started?.processUptimeMs)).toBe(true);
});

test('the pool of the migrations is the one that counts, and a host has no name unless it has given one', async () => {
  const { boot, recording } = bootUnderTest({
    pool: db.pool({ max: 2 }),
    migrationPool: db.pool({ max: 7 }),
    migrations: { concurrency: 6 },
  });
  await boot.migrate();
  const [started] = recording.of('boot.started');
  expect(started).toMatchObject({ until: 'migrated', slots: { migrate: 6 }, poolSize: 7 });
  expect(started).not.toHaveProperty('hostApp');
});

test('a host may have a name without a version', async () => {
  const { boot, recording } = bootUnderTest({ pool: db.pool(), hostApp: { name: 'shop' } });
  await boot.start();
  expect(recording.of('boot.started')[0]?.hostApp).toStrictEqual({ name: 'shop' });
});
