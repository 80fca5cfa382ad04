import { AsyncLocalStorage } from 'node:async_hooks';
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { traceStep } from '../../src/telemetry/channels.ts';
import { WorkTelemetry } from '../../src/telemetry/work-telemetry.ts';
import { definePlugin, serviceRef, type BootEvent, type Plugin } from '../../src/index.ts';
import { holdLock } from '../http/held-lock.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const execute = promisify(execFile);
const db = useDatabase();
const bootUnderTest = useBoots();

const names = ['boot', 'phase', 'migrate', 'init', 'ready', 'stop'] as const;

interface Message {
  readonly bootId: string;
  readonly phase?: string;
  readonly plugin?: string;
  readonly result?: unknown;
  readonly error?: Error;
}

/** Listens to every tracing channel until the test is over: `init start catalog`, and the contexts. */
function listen(): { readonly lines: string[]; readonly contexts: Message[] } {
  const lines: string[] = [];
  const contexts: Message[] = [];
  for (const name of names) {
    const hear =
      (moment: string) =>
      (message: unknown): void => {
        const { phase, plugin, result, error } = message as Message;
        const how = moment === 'asyncEnd' ? [error ? error.message : result] : [];
        lines.push([name, moment, phase ?? plugin, ...how].filter(Boolean).join(' '));
        if (moment === 'start') contexts.push(message as Message);
      };
    const subscribers = {
      start: hear('start'),
      end: () => undefined,
      asyncStart: () => undefined,
      asyncEnd: hear('asyncEnd'),
      error: hear('error'),
    };
    const traced = tracingChannel<unknown, object>(`slipway.${name}`);
    traced.subscribe(subscribers);
    onTestFinished(() => {
      traced.unsubscribe(subscribers);
    });
  }
  return { lines, contexts };
}

const secret = 'pa$$-s3cret';

class Leaky extends Error {
  readonly password = secret;
}

describe('the tracing channels', () => {
  it('trace the launch, its phases and the steps of plugins, each with its outcome', async () => {
    const { lines } = listen();
    const { url } = await db.fresh();
    const [catalog] = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
    const plugin: Plugin = { ...catalog!, ready: () => undefined };
    const { boot } = bootUnderTest({ pool: url, plugins: [plugin] });
    await boot.start();
    await boot.stop();
    expect(lines).toEqual([
      'boot start',
      'phase start discover',
      'phase asyncEnd discover done',
      'phase start sort',
      'phase asyncEnd sort done',
      'phase start migrateAll',
      'migrate start catalog',
      'migrate asyncEnd catalog done',
      'phase asyncEnd migrateAll done',
      'phase start initAll',
      'init start catalog',
      'init asyncEnd catalog done',
      'ready start catalog',
      'ready asyncEnd catalog done',
      'phase asyncEnd initAll done',
      'boot asyncEnd ready',
      'phase start stopAll',
      'stop start catalog',
      'stop asyncEnd catalog done',
      'phase asyncEnd stopAll done',
    ]);
  });

  it('have the error of what failed, as a copy that says the same and holds nothing else', async () => {
    const { lines, contexts } = listen();
    const init = () => Promise.reject(new Leaky('no luck'));
    const { boot } = bootUnderTest({ pool: db.url, plugins: [{ id: 'catalog', init }] });
    const failure = await failureOf(boot.start());
    expect(lines).toEqual(
      expect.arrayContaining([
        'init error catalog',
        `init asyncEnd catalog ${failure.message}`,
        `boot asyncEnd ${failure.message}`,
        `phase asyncEnd initAll ${failure.message}`,
      ]),
    );
    const { error } = contexts.find(({ plugin }) => plugin === 'catalog') ?? {};
    expect(error).toMatchObject({ name: 'BootError', code: 'INIT_FAILED', stack: failure.stack });
    expect(error?.cause).toMatchObject({ message: 'no luck' });
    expect(inspect(contexts, { depth: 20 })).not.toContain(secret);
  });

  it('trace a migration again after it has found its lock taken', async () => {
    const { lines } = listen();
    const { url } = await db.fresh();
    const plugins = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
    await using lock = await holdLock(url, migrationLockKey('plugin_catalog'));
    const { boot } = bootUnderTest({ pool: url, plugins });
    boot.once('plugin.migrate.waiting', () => lock.release());
    await boot.start();
    const ends = lines.filter((line) => line.startsWith('migrate asyncEnd'));
    expect(ends[0]).toBe('migrate asyncEnd catalog locked');
    expect(ends.at(-1)).toBe('migrate asyncEnd catalog done');
  });

  it('keep two boots of one process apart', async () => {
    const { contexts } = listen();
    const boots = [1, 2].map(
      () => bootUnderTest({ pool: db.url, plugins: [{ id: 'catalog', init: () => ({}) }] }).boot,
    );
    await Promise.all(boots.map((boot) => boot.start()));
    for (const { id } of boots) {
      const own = contexts.filter(({ bootId }) => bootId === id);
      expect(own.filter(({ plugin }) => plugin === 'catalog')).toHaveLength(1);
    }
  });

  it('carry the store of a subscriber into the code of the plugin, and take its additions', async () => {
    const storage = new AsyncLocalStorage<string>();
    const { start } = tracingChannel<string, { plugin?: string; mine?: string }>('slipway.init');
    start.bindStore(storage, (context) => {
      context.mine = 'added';
      return `inside ${context.plugin}`;
    });
    onTestFinished(() => void start.unbindStore(storage));
    let seen: string | undefined;
    const init = async () => {
      await Promise.resolve();
      seen = storage.getStore();
    };
    await bootUnderTest({ pool: db.url, plugins: [{ id: 'catalog', init }] }).boot.start();
    expect(seen).toBe('inside catalog');
  });

  it('have nothing of what a plugin exports, of a password and of parameters', async () => {
    const { contexts } = listen();
    const seen: unknown[] = [];
    const keep = (message: unknown): void => void seen.push(message);
    subscribe('slipway.event', keep);
    onTestFinished(() => void unsubscribe('slipway.event', keep));
    const { url } = await db.fresh();
    const connection = new URL(url);
    connection.password = secret;
    const tokenApi = serviceRef<{ readonly token: string }>('vault.token');
    const vault = definePlugin({
      id: 'vault',
      provides: { tokenApi },
      migrations: [
        {
          name: '0000_keys',
          run: async (client) => void (await client.query('SELECT $1::text', [secret])),
        },
      ],
      init: () => ({ tokenApi: { token: secret } }),
    });
    const stop = () => Promise.reject(new Leaky('no luck'));
    const leaky = definePlugin({ id: 'leaky', init: ({ onStop }) => onStop(stop) });
    const { boot } = bootUnderTest({ pool: connection.href, plugins: [vault, leaky] });
    await boot.start();
    await boot.stop();
    expect(seen.length).toBeGreaterThan(20);
    expect(contexts.length).toBeGreaterThan(10);
    const all = { depth: 30, maxArrayLength: null, maxStringLength: null, showHidden: true };
    expect(inspect([seen, contexts], all)).not.toContain(secret);
  });
});

describe('a subscriber that throws', () => {
  it('is an uncaught exception of the process, and the boot itself goes on', async () => {
    const program = fileURLToPath(new URL('throwing-subscriber.ts', import.meta.url));
    const { stdout } = await execute(process.execPath, [...runTypeScript, program, db.url]);
    expect(stdout.trim().split('\n').toSorted()).toEqual(['ready', 'uncaught: a bad subscriber']);
  });
});

describe('the channel slipway.event', () => {
  it('has every event, in order, with the names and the fields of a listener', async () => {
    const seen: BootEvent[] = [];
    const keep = (message: unknown): void => void seen.push(message as BootEvent);
    channel('slipway.event').subscribe(keep);
    onTestFinished(() => {
      channel('slipway.event').unsubscribe(keep);
    });
    const { boot, recording } = bootUnderTest({ pool: db.url, plugins: [{ id: 'catalog' }] });
    await boot.start();
    await boot.stop();
    expect(seen).toEqual(recording.events);
  });
});

describe('without a subscriber and a wrapper', () => {
  it('a step is the promise of its task, and nothing is made around it', () => {
    const running = Promise.resolve({ status: 'done' });
    const telemetry = new WorkTelemetry({ bootId: 'b', report: () => undefined });
    expect(traceStep('b', 'init', 'catalog', () => running)).toBe(running);
    expect(telemetry.inStep('init', 'catalog', () => running)).toBe(running);
    expect(telemetry.inPhase('initAll', () => running)).toBe(running);
    expect(telemetry.inFile('catalog', '0000_a', () => running)).toBe(running);
  });
});
