import { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { formatBootError, migrateFleet, planFleet, type FleetTarget } from '../../src/index.ts';
import { readTargets } from '../../src/fleet/targets.ts';
import { bootWith } from './fleet-fixture.ts';

const at = (name: string): string => `postgres://ann:hunter2@127.0.0.1:1/${name}`;
const target = (name: string, url = at(name)): FleetTarget => ({ name, url });

/** What a run throws before it looks at any database, as people read it. */
async function refusalOf(targets: unknown, more: object = {}): Promise<string> {
  const events: unknown[] = [];
  const options = { targets, boot: bootWith([]), onEvent: (event: unknown) => events.push(event) };
  const thrown = await migrateFleet({ ...options, ...more } as never).then(
    () => 'nothing',
    (error: unknown) => formatBootError(error),
  );
  expect(events).toEqual([]);
  expect(thrown).not.toContain('hunter2');
  expect(thrown).toMatch(/^OPTIONS_INVALID: /);
  return thrown;
}

describe('a list of databases', () => {
  it.each<readonly [what: string, targets: unknown, message: RegExp]>([
    ['is missing', undefined, /Expected targets to be a list of databases, got undefined/],
    ['is one text', at('a'), /a list of databases, got a string/],
    ['is an object', { a: at('a') }, /got an object with a/],
    ['is a generator', (function* () {})(), /a list of databases/],
    ['is empty', [], /got an empty list[^]*→ Look where the list comes from/],
    [
      'comes from a function that throws',
      () => {
        throw new Error('no answer');
      },
      /targets has failed: no answer/,
    ],
    ['comes from a function that rejects', () => Promise.reject(new Error('no')), /has failed: no/],
    ['comes from a function that returns nothing', async () => undefined, /got undefined/],
    ['is too long', Array.from({ length: 100_001 }, () => 1), /at most 100000 databases/],
    // oxlint-disable-next-line no-sparse-arrays
    ['has a hole', [target('a'), , target('b')], /Expected targets\[1\] to be \{ name, url \}/],
    ['has a number', [7], /Expected targets\[0\] to be/],
    ['has a database without a name', [{ url: at('a') }], /targets\[0\]\.name to be a name/],
    ['has a blank name', [target('  ', at('a'))], /targets\[0\]\.name/],
    ['has a long name', [target('a'.repeat(201), at('a'))], /of 1 to 200 characters/],
    ['has a name for a terminal', [target('a\u001B[2J', at('a'))], /without control characters/],
    ['has a name of two lines', [target('a\nb', at('a'))], /without control characters/],
    ['has an address for a name', [{ name: at('a'), url: at('a') }], /to be a name, got a URL/],
    ['has no address', [{ name: 'a' }], /\(a\) to have url or pool, got neither[^]*variable/],
    ['has two addresses', [{ name: 'a', url: at('a'), pool: {} }], /got both/],
    ['has a URL object', [{ name: 'a', url: new URL(at('a')) }], /url to be a connection string/],
    ['has another scheme', [target('a', 'mysql://ann:hunter2@h/a')], /a URL of mysql/],
    [
      'has an address that cannot be read',
      [target('a', 'postgres://ann:hun%ter2@h:x/a')],
      /cannot read/,
    ],
    [
      'has a config without a server',
      [{ name: 'a', pool: { max: 1, foo: 'hunter2' } }],
      /names no server/,
    ],
    ['has a misspelt key', [{ name: 'a', uri: at('a') }], /has no option uri\. Did you mean url\?/],
    [
      'has a canary that is a text',
      [{ ...target('a'), canary: 'yes' }],
      /canary to be true or false/,
    ],
    [
      'has a name twice',
      [target('a'), target('b'), target('a', at('c'))],
      /"a" in targets\[0\] and targets\[2\]/,
    ],
    [
      'has a database twice',
      [target('a'), target('b', at('a'))],
      /127\.0\.0\.1:1\/a as "a" and as "b"/,
    ],
    ['has a text twice', [at('a'), at('a')], /names in targets to be different/],
  ])('that %s is refused', async (_, targets, message) => {
    expect(await refusalOf(targets)).toMatch(message);
  });

  it('takes an address alone, whose name has no password, user or usual port', async () => {
    const read = await readTargets([
      at('shop'),
      'postgresql://db.internal/shop',
      'postgres:///x?host=/run/pg',
    ]);
    expect(read.map(({ name }) => name)).toEqual([
      '127.0.0.1:1/shop',
      'db.internal/shop',
      '/run/pg/x',
    ]);
  });

  it('takes a function, also an async one, a pool and a config', async () => {
    const pool = new Pool({ connectionString: at('a') });
    const list = [
      { name: 'a', pool },
      { name: 'b', pool: { host: 'h', database: 'b' } },
    ];
    for (const targets of [list, () => list, async () => list]) {
      const report = await migrateFleet({
        targets,
        boot: bootWith([]),
        signal: AbortSignal.abort(),
      });
      expect(report.databases.map(({ name }) => name)).toEqual(['a', 'b']);
    }
    await pool.end();
  });

  it('may be long, and a shard reports its own', async () => {
    const targets = Array.from({ length: 20_000 }, (_, index) => target(`t${index}`));
    const report = await migrateFleet({
      targets,
      boot: bootWith([]),
      shard: { index: 3, count: 200 },
      canary: 2,
      signal: AbortSignal.abort(),
    });
    expect(report.listed).toBe(20_000);
    expect(report.databases.length).toBeGreaterThan(50);
    expect(report.databases.length).toBeLessThan(160);
  });
});

describe('the options of a fleet', () => {
  it.each<readonly [more: object, message: RegExp]>([
    [{ boot: undefined }, /Expected boot to be a function/],
    [{ boot: { plugins: [] } }, /Expected boot to be a function/],
    [{ concurrency: 101 }, /concurrency to be an integer from 1 to 100/],
    [{ connections: 0 }, /connections to be an integer from 1 to 20/],
    [{ canary: -1 }, /canary to be an integer/],
    [{ shard: { index: 2, count: 2 } }, /got 2 of 2[^]*counted from 0: the last one is 1/],
    [{ shard: { index: 0 } }, /shard\.count to be an integer/],
    [{ shard: '0/2' }, /Expected shard to be an object/],
    [{ signal: new AbortController() }, /Expected signal to be an AbortSignal/],
    [{ onEvent: 'log' }, /Expected onEvent to be a function/],
    [{ keepGoing: 1 }, /keepGoing to be true or false/],
    [{ cannary: 1 }, /migrateFleet\(\) has no option cannary\. Did you mean canary\?/],
  ])('%j are refused', async (more, message) => {
    expect(await refusalOf([target('a')], more)).toMatch(message);
  });

  it('are those of a plan, too', async () => {
    const plan = planFleet({ targets: [], boot: bootWith([]) });
    await expect(plan).rejects.toThrow('Expected targets to have a database, got an empty list');
  });
});
