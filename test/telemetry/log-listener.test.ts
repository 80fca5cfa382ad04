import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import type { Logger } from '../../src/core/logger.ts';
import { bootEventNames, definePlugin, serviceRef, type Plugin } from '../../src/index.ts';
import { createLogListener } from '../../src/telemetry/log-listener.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { firstPlugins, grow } from '../support/growing-boot.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { stamped } from './stamped.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

type Line = Readonly<Record<string, unknown>> & {
  readonly event: string;
  readonly level: string;
  readonly msg: string;
};

/** A pino logger of every level, and the lines that it has written. */
function pinoLines(): {
  readonly logger: Logger;
  readonly lines: readonly Line[];
  readonly texts: readonly string[];
} {
  const lines: Line[] = [];
  const texts: string[] = [];
  const write = (text: string): void => {
    texts.push(text);
    lines.push(JSON.parse(text) as Line);
  };
  const formatters = { level: (level: string) => ({ level }) };
  return { logger: pino({ level: 'trace', formatters }, { write }), lines, texts };
}

function logOf(news: UnstampedEvent): Line {
  const { logger, lines } = pinoLines();
  void createLogListener(logger)(stamped(news));
  if (!lines[0]) throw new Error('nothing was logged');
  return lines[0];
}

const statement = { plugin: 'catalog', file: '0001.sql', statement: 1 } as const;
const executing = { type: 'plugin.migrate.executing', ...statement, command: 'SELECT' } as const;

describe('the log', () => {
  it('says at which command an unfinished file goes on', () => {
    const about = { plugin: 'catalog', file: '0001.sql', index: 1, of: 2 } as const;
    const applying = {
      type: 'plugin.migrate.applying',
      ...about,
      statements: 5,
      transaction: false,
    } as const;
    expect(logOf({ ...applying, goesOnAt: 3 })).toMatchObject({
      level: 'info',
      msg: 'catalog: plugin.migrate.applying 0001.sql goes on at command 3 of 5',
    });
    expect(logOf(applying)).toMatchObject({ level: 'debug' });
  });

  it('says which launch adds what, and what is removed', async () => {
    const { logger, lines } = pinoLines();
    const underTest = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    underTest.boot.onAny(createLogListener(logger));
    await grow(underTest);
    const texts = lines
      .filter(({ event }) => /^(launch|removal)\./.test(event))
      .map(({ msg }) => msg);
    expect(texts.map((text) => text.replaceAll(/ in [\d.]+m?s/g, ''))).toEqual([
      'launch 2: launch.started reviews, stars',
      'launch 2: launch.finished ready',
      'launch 3: launch.started broken',
      'launch 3: launch.finished failed: broken failed to start: no light',
      'auth: removal.finished refused: reviews uses it',
      'audit: removal.started',
      'audit: removal.finished done',
    ]);
    const init = lines.find(
      ({ event, msg }) => event === 'plugin.init.started' && msg.includes('stars'),
    );
    expect(init).toMatchObject({ launch: 2, msg: 'launch 2: stars: plugin.init.started' });
  });

  it('says what is lost in a launch with an optional plugin, as in a boot', async () => {
    const { logger, lines } = pinoLines();
    const { boot } = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    boot.onAny(createLogListener(logger));
    await boot.start();
    const api = serviceRef<number>('flaky.api');
    const flaky = definePlugin({
      id: 'flaky',
      required: false,
      provides: { api },
      init(): never {
        throw new Error('dark');
      },
    });
    const user = definePlugin({ id: 'user', required: false, deps: { api }, init() {} });
    for (let round = 0; round < 2; round += 1) await boot.add([flaky, user]);
    const failures = lines.filter(
      ({ event, msg }) => event === 'plugin.init.finished' && msg.includes('dark'),
    );
    expect(failures.map(({ lost }) => lost)).toEqual([['user'], ['user']]);
  });

  it('words no line that the logger would not write', () => {
    const asked: string[] = [];
    const calls: string[] = [];
    const logger: Logger = {
      debug: () => calls.push('debug'),
      info: () => calls.push('info'),
      warn: () => calls.push('warn'),
      error: () => calls.push('error'),
      isLevelEnabled: (level) => (asked.push(level), level !== 'debug'),
    };
    const log = createLogListener(logger);
    log(stamped(executing));
    log(stamped({ type: 'boot.stopping', reason: 'SIGTERM' }));

    // Without `trace`, a statement is a line at `debug`.
    expect(asked).toEqual(['debug', 'info']);
    expect(calls).toEqual(['info']);
  });

  it('writes the name of the event and all it carries', () => {
    const line = logOf({
      type: 'plugin.migrate.applied',
      plugin: 'catalog',
      file: '0001.sql',
      durationMs: 12,
    });
    expect(line).toMatchObject({
      level: 'info',
      event: 'plugin.migrate.applied',
      plugin: 'catalog',
      file: '0001.sql',
      seq: 1,
      msg: 'catalog: plugin.migrate.applied in 12ms',
    });
    expect(line).not.toHaveProperty('at');
  });

  it('has statements at trace, or at debug where the logger has no trace', () => {
    expect(logOf(executing).level).toBe('trace');
    const heard: string[] = [];
    const at = (level: string) => () => void heard.push(level);
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    void createLogListener(logger)(stamped(executing));
    expect(heard).toEqual(['debug']);
  });

  it('names in the line of a failure what is lost with an optional plugin', () => {
    const { logger, lines } = pinoLines();
    const log = createLogListener(logger);
    const hear = (news: UnstampedEvent): void => void log(stamped(news));
    const needs = (from: string, to: string) =>
      ({ from, to, kind: 'needs', reason: `${to} needs ${from}` }) as const;
    const order = ['catalog', 'search', 'billing', 'reports', 'later'];
    for (const plugin of order) {
      hear({ type: 'plugin.discovered', plugin, required: false, enabled: true });
    }
    const edges = [
      needs('catalog', 'search'),
      needs('catalog', 'billing'),
      needs('search', 'reports'),
      { from: 'catalog', to: 'later', kind: 'order', reason: 'later comes after catalog' } as const,
    ];
    hear({ type: 'graph.sorted', order, edges, warnings: [] });
    const failed = { outcome: 'failed', durationMs: 1, error: new Error('boom') } as const;
    hear({ type: 'plugin.migrate.finished', plugin: 'catalog', ...failed });
    hear({ type: 'plugin.init.finished', plugin: 'later', ...failed });
    expect(lines).toHaveLength(8);
    expect(lines.at(-2)).toMatchObject({
      plugin: 'catalog',
      lost: ['search', 'billing', 'reports'],
      msg: 'catalog: plugin.migrate.finished failed in 1ms; search, billing and reports do not start because of it: boom',
    });
    expect(lines.at(-1)).not.toHaveProperty('lost');
  });

  it('never has one field twice in a line: some stores refuse such a line', async () => {
    const { logger, texts } = pinoLines();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [{ id: 'catalog' }], logger });
    await boot.start();
    for (const text of texts) {
      const keys = [...text.matchAll(/(?<=[{,])"(?:pid|hostname|time|level|msg)":/g)].map(String);
      expect(keys).toEqual([...new Set(keys)]);
    }
  });
});

/** Boots that succeed, fail, come up without a plugin, retry and fail to stop. Each gives its lines, one an event. */
const boots: Readonly<Record<string, () => Promise<readonly Plugin[]>>> = {
  'that fails to init': async () => [
    definePlugin({ id: 'a', init: () => Promise.reject(new Error('no luck')) }),
  ],
  'that fails to get ready': async () => [
    definePlugin({ id: 'a', ready: () => Promise.reject(new Error('no luck')) }),
  ],
  'that fails to migrate': async () => [
    { id: 'a', migrations: await migrationFolder({ '0000_a': 'SELECT 1 / 0;' }) },
  ],
  'with a graph that does not fit': async () => [
    definePlugin({ id: 'a', deps: { x: serviceRef('nothing') }, init: () => undefined }),
  ],
  'that fails after its retries': async () => [
    definePlugin({
      id: 'a',
      retry: { attempts: 3, backoff: 1 },
      init: () => Promise.reject(new Error('no luck')),
    }),
  ],
};

describe('one failure of a boot', () => {
  it.each(Object.entries(boots))(
    '%s is one line at error, which has the error',
    async (_, plugins) => {
      const { url } = await db.fresh();
      const { logger, lines } = pinoLines();
      const { boot, recording } = bootUnderTest({ pool: url, plugins: await plugins(), logger });
      const { message } = await failureOf(boot.start());
      const loud = lines.filter(({ level }) => level === 'error');
      expect(loud.map(({ event }) => event)).toEqual(['boot.finished']);
      expect(loud[0]?.['err']).toMatchObject({
        message: expect.stringContaining(message) as string,
      });
      expect(lines.map(({ event }) => event)).toEqual(recording.events.map(({ type }) => type));
    },
  );

  it('of its stop is one line at error too', async () => {
    const { logger, lines } = pinoLines();
    const stop = () => Promise.reject(new Error('no luck'));
    const plugin = definePlugin({ id: 'a', init: ({ onStop }) => onStop(stop) });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [plugin], logger });
    await boot.start();
    await boot.stop();
    const loud = lines.filter(({ level }) => level === 'error');
    expect(loud.map(({ event }) => event)).toEqual(['boot.stopped']);
  });
});

describe('the table of log lines in docs/telemetry.md', () => {
  const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');
  const table = page.slice(
    page.indexOf('<!-- log lines'),
    page.indexOf('<!-- end of the log lines'),
  );
  const rows = new Map(
    [...table.matchAll(/^\| `([a-z]+\.[a-z.]+)` +\| ([^|]+?) +\| ([^|]*?) *\|$/gm)].map(
      ([, event = '', levels = '', fields = '']) => [event, { levels, fields: fields.split(' ') }],
    ),
  );
  const common = new Set([
    'level',
    'time',
    'pid',
    'hostname',
    'msg',
    'event',
    'bootId',
    'seq',
    'elapsedMs',
  ]);

  it('has every event, and no other', () => {
    expect([...rows.keys()]).toEqual(bootEventNames);
  });

  it('has the level and every field of each line that boots write', async () => {
    const { url } = await db.fresh();
    const { logger, lines } = pinoLines();
    const needed = serviceRef<object>('auth.api');
    const [catalog] = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
    const all: readonly (readonly Plugin[])[] = [
      [
        catalog!,
        definePlugin({
          id: 'auth',
          provides: { needed },
          required: false,
          retry: { attempts: 2, backoff: 1 },
          init: (): Promise<never> => Promise.reject(new Error('no luck')),
        }),
        definePlugin({ id: 'b', deps: { needed }, required: false, init: () => undefined }),
      ],
      await boots['that fails to migrate']!(),
    ];
    for (const plugins of all) {
      const { boot } = bootUnderTest({ pool: url, plugins, logger });
      await boot.start().catch(() => undefined);
      await boot.stop();
    }
    const wrong = lines.flatMap((line) => {
      const row = rows.get(line.event);
      const unknown = Object.keys(line).filter(
        (key) =>
          !common.has(key) && !row?.fields.some((each) => each.replace('?', '') === `\`${key}\``),
      );
      const isLevel = row?.levels.includes(`\`${line.level}\``);
      return [...unknown, ...(isLevel ? [] : [line.level])].map((each) => `${line.event}: ${each}`);
    });
    expect(wrong).toEqual([]);
    const missing = lines.flatMap((line) =>
      (rows.get(line.event)?.fields ?? [])
        .map((each) => each.replaceAll('`', ''))
        .filter((each) => each !== '' && !each.endsWith('?') && !(each in line))
        .map((each) => `${line.event}: ${each}`),
    );
    expect(missing).toEqual([]);
    expect(new Set(lines.map(({ event }) => event)).size).toBeGreaterThan(18);
  });
});

describe('the logger of a plugin', () => {
  it('writes lines with the id of the plugin', async () => {
    const { logger, lines } = pinoLines();
    const plugin = definePlugin({ id: 'a', init: ({ logger: own }) => own.info('hello') });
    await bootUnderTest({ pool: db.url, plugins: [plugin], logger }).boot.start();
    expect(lines.find(({ msg }) => msg === 'hello')).toMatchObject({ plugin: 'a', level: 'info' });
  });
});
