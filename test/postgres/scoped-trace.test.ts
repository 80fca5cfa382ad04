import { tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { Query } from 'pg';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createPluginScope } from '../../src/postgres/scoped/plugin-scope.ts';
import { createScopedPool, openScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { applicationNames, untilFound } from '../support/server-sessions.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();

beforeAll(() =>
  db.query(`create schema plugin_a; create table plugin_a.items (name text unique);
    insert into plugin_a.items values ('secret row')`),
);

type Event = readonly [name: string, message: Readonly<Record<string, unknown>>];

/** Records each message as it is when the subscriber gets it. */
function subscribe(): readonly Event[] {
  const events: Event[] = [];
  const on = (name: string) => (message: unknown) =>
    events.push([name, { ...(message as Record<string, unknown>) }]);
  const subscribers = {
    start: on('start'),
    end: on('end'),
    asyncStart: on('asyncStart'),
    asyncEnd: on('asyncEnd'),
    error: on('error'),
  };
  const channel = tracingChannel('slipway.query');
  channel.subscribe(subscribers);
  onTestFinished(() => {
    channel.unsubscribe(subscribers);
  });
  return events;
}

const startsOf = (events: readonly Event[]) =>
  events.filter(([name]) => name === 'start').map(([, { text }]) => text);

function openPool() {
  const scope = createPluginScope({
    plugin: 'a',
    schema: 'plugin_a',
    path: '"plugin_a"',
    warn: () => undefined,
  });
  return openScopedPool(db.pool(), scope).pool;
}

describe('the tracing channel slipway.query', () => {
  test('has each statement of the pool, of a client and of a transaction', async () => {
    const events = subscribe();
    const pool = openPool();
    await pool.query('select 1');
    const client = await pool.connect();
    await client.query({ text: 'select $1', name: 'one' }, ['secret']);
    await client.query('begin');
    await client.query('select name from items');
    const cursor = client.query(new Query('select name from items limit 1'));
    await new Promise((resolve) => cursor.once('end', resolve));
    await client.query('commit');
    client.release();
    expect(startsOf(events)).toEqual([
      'select 1',
      'select $1',
      'begin',
      'select name from items',
      'select name from items limit 1',
      'commit',
    ]);
    for (const [, message] of events)
      expect(message).toMatchObject({ plugin: 'a', schema: 'plugin_a' });
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('has the number of rows, and no plugin where only the schema is known', async () => {
    const events = subscribe();
    await createScopedPool(db.pool(), 'plugin_a').query('select name from items');
    const [, last] = events.at(-1) ?? [];
    expect(last).toEqual({ schema: 'plugin_a', text: 'select name from items', result: 1 });
  });

  test('has the SQLSTATE of an error and not its message, which the caller gets', async () => {
    const events = subscribe();
    const error = await errorOf(openPool().query('insert into items values ($1)', ['secret row']));
    expect(error).toMatchObject({ code: '23505', detail: expect.stringContaining('secret row') });
    const failures = events.filter(([name]) => name === 'error');
    expect(failures).toHaveLength(1);
    expect(failures[0]?.[1]['error']).toMatchObject({
      code: '23505',
      message: 'the statement failed with 23505',
    });
    const seen = events.flatMap(([, { error: thrown }]) => (thrown instanceof Error ? thrown : []));
    expect(inspect(seen, { depth: 9, showHidden: true })).not.toContain('secret');
  });

  test('publishes nothing without a subscriber', async () => {
    const published: string[] = [];
    const channel = tracingChannel('slipway.query');
    const spies = (['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const).map((name) => {
      const publish = channel[name].publish.bind(channel[name]);
      channel[name].publish = (message) => {
        published.push(name);
        publish(message);
      };
      return () => void Reflect.deleteProperty(channel[name], 'publish');
    });
    onTestFinished(() => spies.forEach((undo) => undo()));
    const client = await openPool().connect();
    await client.query('begin');
    const cursor = client.query(new Query('select 1'));
    await new Promise((resolve) => cursor.once('end', resolve));
    await client.query('rollback');
    client.release();
    expect(published).toEqual([]);
  });
});

describe('application_name', () => {
  test.each(['query', 'transaction'] as const)(
    'is the schema during a %s, and the host’s own afterwards',
    async (place) => {
      const fresh = await db.fresh();
      await fresh.query('create schema plugin_a');
      const shared = fresh.pool({ max: 1, application_name: 'the host' });
      await shared.query('select 1');
      expect(await applicationNames(fresh)).toEqual(['the host']);
      const client = await createScopedPool(shared, 'plugin_a').connect();
      if (place === 'transaction') await client.query('begin');
      const sleeping = errorOf(client.query(`select pg_sleep(60) as "asleep"`));
      const { pid } = await untilFound<{ pid: number }>(
        fresh,
        `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
      );
      expect(await applicationNames(fresh)).toEqual(['plugin_a']);
      await fresh.query('select pg_cancel_backend($1)', [pid]);
      expect(await sleeping).toMatchObject({ code: '57014' });
      if (place === 'transaction') await client.query('rollback');
      client.release();
      expect((await shared.query('show application_name')).rows).toEqual([
        { application_name: 'the host' },
      ]);
      expect(await applicationNames(fresh)).toEqual(['the host']);
    },
  );
});
