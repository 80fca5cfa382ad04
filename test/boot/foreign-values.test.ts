import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BootError,
  createBoot,
  definePlugin,
  formatBootError,
  serviceRef,
  type Plugin,
} from '../../src/index.ts';
import { createBackendPlugin } from '../../src/checkstack.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { foreignValues } from '../support/foreign-values.ts';
import { createLiveOutput } from '../../src/terminal/live-output.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const unheard: unknown[] = [];
const hear = (reason: unknown): void => void unheard.push(reason);
beforeEach(() => process.on('unhandledRejection', hear));
afterEach(async () => {
  // The process tells of a rejection at the end of its turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', hear);
  const rejected = unheard.splice(0);
  if (rejected.length > 0) throw new Error(`${rejected.length} rejections that nobody heard`);
});

const each = Object.entries(foreignValues);
const api = serviceRef<number>('catalog.api');

const throwing = (make: () => unknown) => (): never => {
  throw make();
};

const folder = (run: () => Promise<unknown>) => [{ name: 'one', run }];

describe.each(each)('%s', (_, make) => {
  const fail = throwing(make);
  const failLater = async (): Promise<never> => fail();

  it('that plugins throw is their own failure, by name, wherever they do', async () => {
    const plugins: readonly Plugin[] = [
      { id: 'init', init: fail },
      { id: 'ready', ready: failLater },
      { id: 'migrate', migrations: folder(failLater) },
      definePlugin({
        id: 'export',
        provides: { api },
        init: () => Object.defineProperty({ api: 1 }, 'api', { get: fail }),
      }),
      definePlugin({ id: 'stop', init: ({ onStop }) => onStop(fail) }),
    ];
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: plugins.map((plugin) => ({ ...plugin, required: false })),
    });
    const lines: string[] = [];
    boot.onAny(createLiveOutput({ stream: { write: (text) => void lines.push(text) } }));
    expect((await boot.start()).outcome).toBe('degraded');
    const report = await boot.stop();
    const steps = { export: 'init' } as const;
    const found = report.plugins.map((plugin) => {
      const id = plugin.id as 'init' | 'ready' | 'migrate' | 'export' | 'stop';
      const { code, plugin: owner } = plugin[id === 'export' ? steps[id] : id].error ?? {};
      return [id, owner, code];
    });
    expect(found).toEqual([
      ['init', 'init', 'INIT_FAILED'],
      ['ready', 'ready', 'READY_FAILED'],
      ['migrate', 'migrate', 'MIGRATION_FAILED'],
      ['export', 'export', 'INIT_FAILED'],
      ['stop', 'stop', 'STOP_FAILED'],
    ]);
    expect(JSON.stringify(report).length).toBeLessThan(2_000_000);
    expect(lines.join('').length).toBeLessThan(200_000);
  });

  it('that register throws ends the boot with the name of the plugin', async () => {
    const plugin = createBackendPlugin({ metadata: { pluginId: 'catalog' }, register: fail });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
    const error = await failureOf(boot.start());
    expect(error).toMatchObject({ code: 'PLUGIN_INVALID', plugin: 'catalog' });
    expect(formatBootError(error).length).toBeLessThan(300_000);
  });

  it('that listeners, loggers and drains throw or reject with harms nobody', async () => {
    const logger = { debug: fail, info: failLater, warn: fail, error: failLater };
    const plugin = definePlugin({
      id: 'catalog',
      init: ({ logger: own }) => {
        own.info('thrown at');
        own.debug('thrown at');
      },
    });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin], logger });
    boot.on('graph.sorted', fail);
    boot.on('boot.finished', failLater);
    boot.beforeStop(fail);
    await boot.start();
    expect((await boot.stop(make() as string)).outcome).toBe('ready');
  });

  it('that a pool rejects with is an unreachable database', async () => {
    const pool = Object.assign(db.pool(), { connect: failLater });
    const migrations = folder(() => Promise.resolve());
    const { boot } = bootUnderTest({ pool, plugins: [{ id: 'catalog', migrations }] });
    expect((await failureOf(boot.start())).code).toBe('DATABASE_UNREACHABLE');
    await boot.stop();
  });
});

describe('a plugin whose field throws when it is read', () => {
  const withField = (field: string, read: () => unknown): Plugin =>
    Object.defineProperty({ id: 'catalog', init: () => {} }, field, {
      get: read,
      enumerable: true,
    });

  it.each(['version', 'migrations', 'deps', 'provides', 'retry', 'timeouts', 'init', 'required'])(
    '%s is refused at the door, by its name',
    (field) => {
      const plugins = [
        withField(
          field,
          throwing(() => new Error('not yet')),
        ),
      ];
      expect(() => createBoot({ pool: db.url, plugins })).toThrow(
        /plugins\[0\] \(catalog\) cannot be read: not yet/,
      );
    },
  );

  it.each(['deps', 'provides', 'retry', 'timeouts', 'ready', 'after'])(
    '%s is read once: what a getter does later harms nothing',
    async (field) => {
      let isDoor = true;
      const plugin = withField(field, () => {
        if (!isDoor) throw new Error('later');
        return undefined;
      });
      const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
      isDoor = false;
      expect(await failureOf(boot.start())).toMatchObject({
        code: 'PLUGIN_INVALID',
        message: 'a listed plugin (catalog) cannot be read: later',
      });
    },
  );
});

describe('control characters in what others say', () => {
  const message = 'bad\u001B[2J\u0007\u009B\u202Enews\r\nsecond line\0';
  const shown = String.raw`bad\x1b[2J\x07\x9b\u202enews
second line\x00`;

  it('are shown, not sent to the terminal', async () => {
    const plugin: Plugin = {
      id: 'catalog',
      required: false,
      init: throwing(() => new Error(message)),
    };
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin] });
    const lines: string[] = [];
    boot.onAny(createLiveOutput({ stream: { write: (text) => void lines.push(text) } }));
    const report = await boot.start();
    expect(report.plugins[0]?.init.error?.message).toBe(`catalog failed to start: ${shown}`);
    expect(lines.join('')).not.toContain('\u001B');
    expect(formatBootError(new Error(message))).toBe(`Error: ${shown}`);
    const hinted = new BootError('INIT_FAILED', message, { hint: message, cause: message });
    expect(formatBootError(hinted)).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  });
});
