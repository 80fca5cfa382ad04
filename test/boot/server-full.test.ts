import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRepair, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** A role whose connections can be taken away, beside all others that work on the same server. */
const role = `full_${db.name}`;
let url: string;
const allow = (connections: number): Promise<unknown> =>
  db.query(`alter role ${role} connection limit ${connections}`);

beforeAll(async () => {
  await db.query(`create role ${role} login`);
  await db.query(`grant all on database ${db.name} to ${role}`);
  const own = new URL(db.url);
  own.username = role;
  url = own.href;
});
afterAll(async () => {
  await db.query(`drop owned by ${role} cascade`);
  await db.query(`drop role ${role}`);
});

const failed = new Error('filled');

function pluginsThatFillTheServer(prefix: string): readonly Plugin[] {
  const first: Plugin = {
    id: `${prefix}-first`,
    required: false,
    // After a failure its connection is not handed over.
    migrations: [{ name: '0000_fill', run: () => allow(0).then(() => Promise.reject(failed)) }],
  };
  const second: Plugin = {
    id: `${prefix}-second`,
    after: [first.id],
    migrations: [{ name: '0000_init', run: (client) => client.query('create table t (id int)') }],
  };
  return [first, second];
}

test('a server that is full between two plugins is waited for, and said to be full', async () => {
  const { boot, recording } = bootUnderTest({ pool: url, plugins: pluginsThatFillTheServer('a') });
  boot.once('boot.waiting', () => void allow(-1));
  await boot.start();
  expect(recording.outcomes('migrate')).toEqual({ 'a-first': 'failed', 'a-second': 'done' });
  expect(recording.of('boot.waiting')[0]).toMatchObject({
    kind: 'database',
    plugin: 'a-second',
    reason: 'PostgreSQL is full: every connection that it allows is taken',
    attempt: 1,
  });
});

test('one that stays full ends the boot with what to do, and the next boot goes on', async () => {
  const options = { pool: url, connect: { wait: 300 }, plugins: pluginsThatFillTheServer('b') };
  const error = await failureOf(bootUnderTest(options).boot.start());
  expect(error).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    plugin: 'b-second',
    phase: 'migrateAll',
    database: { sqlState: '53300' },
  });
  expect(error.message).toMatch(/^No connection to PostgreSQL within 300ms: too many connections/);
  expect(error.hint).toMatch(/^The server runs and is full\. Give the pools/);
  await allow(-1);
  const again = bootUnderTest({ ...options, plugins: options.plugins.slice(1) });
  await again.boot.start();
  expect(again.recording.outcomes('migrate')).toEqual({ 'b-second': 'done' });
});

test('a repair waits for it, too', async () => {
  const [, second] = pluginsThatFillTheServer('c');
  const repair = createRepair({ pool: url, plugins: second ? [{ ...second, after: [] }] : [] });
  await allow(0);
  const looking = repair.holder('c-second');
  await allow(-1);
  expect(await looking).not.toHaveProperty('holder');
});
