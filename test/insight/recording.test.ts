import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createRecorder,
  definePlugin,
  serviceRef,
  type Boot,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import { criticalChain, headline, readStory, storyOf, waits } from '../../src/insight.ts';
import { buildReport } from '../../src/insight/build-report.ts';
import { readState } from '../../src/insight/read-state.ts';
import type { Story } from '../../src/insight/story.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';
import { listDifferences } from './differences.ts';
import { listOpenFiles } from './open-files.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const api = serviceRef<string>('auth.api');
const auth = definePlugin({ id: 'auth', provides: { api }, init: () => ({ api: 'up' }) });

async function shop(): Promise<readonly Plugin[]> {
  const files = {
    '0000_items': 'CREATE TABLE items (id int);\n--> statement-breakpoint\nSELECT 1;',
  };
  return [
    auth,
    definePlugin({ id: 'catalog', migrations: await migrationFolder(files), deps: { api } }),
    definePlugin({
      id: 'billing',
      after: ['catalog'],
      init: ({ onStop }) => onStop(() => {}),
    }),
  ];
}

const broken = definePlugin({
  id: 'broken',
  init: () => Promise.reject(new Error('connect ECONNREFUSED', { cause: new Error('no route') })),
});

/** Runs a boot with a recording in a file, and returns both. */
async function record(options: Partial<BootOptions>, run = startAndStop) {
  const { url } = await db.fresh();
  const path = join(await temporaryFolder(), 'boot.jsonl');
  const { boot } = bootUnderTest({ pool: url, plugins: [auth], record: path, ...options });
  await run(boot);
  return { boot, path };
}

async function startAndStop(boot: Boot): Promise<void> {
  await boot.start();
  await boot.stop();
}

/** All that people see of a story. */
function look(story: Story): Record<string, unknown> {
  return {
    report: buildReport(story.record),
    state: readState(story.record, 'stopped', story.nowMs),
    waits: waits(story),
    chain: criticalChain(story),
    headline: headline(story).replaceAll(/\d+ms/g, '0ms'),
  };
}

/** A line has the time since the start only. */
const withoutClock = ({ events }: Story) => events.map(({ at: _at, ...event }) => event);

const readLines = async (path: string): Promise<readonly string[]> =>
  (await readFile(path, 'utf8')).trimEnd().split('\n');

describe('a recording', () => {
  it.each([
    ['that came up', async () => ({ plugins: await shop() }), startAndStop],
    [
      'that failed',
      async () => ({ plugins: [...(await shop()), broken], migrations: { concurrency: 1 } }),
      async (boot: Boot) => void (await failureOf(boot.start())),
    ],
    [
      'that only migrates',
      async () => ({ plugins: await shop() }),
      async (boot: Boot) => void (await boot.migrate()),
    ],
    [
      'that was stopped on its way up',
      async () => ({ plugins: await shop() }),
      async (boot: Boot) => {
        boot.once('plugin.migrate.started', () => void boot.stop('enough'));
        await failureOf(boot.start());
      },
    ],
  ])('of a boot %s gives the same story as the boot itself', async (_, options, run) => {
    const { boot, path } = await record(await options(), run);
    const story = await readStory(path);
    const own = storyOf({ id: boot.id, events: boot.events, elapsedMs: story.nowMs });
    expect(listDifferences(look(own), look(story))).toEqual([]);
    expect(listDifferences(withoutClock(own), withoutClock(story))).toEqual([]);
    expect(story.end).toBe('finished');
    expect(listOpenFiles(path)).toEqual([]);
  });

  it('is a header and lines of JSON, each readable alone', async () => {
    const { boot, path } = await record({ plugins: await shop() });
    const [header, ...lines] = (await readLines(path)).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(header).toMatchObject({
      format: 'slipway-recording/1',
      bootId: boot.id,
      startedAt: boot.events[0]?.at,
      versions: { node: process.versions.node },
    });
    expect(lines.find(({ type }) => type === 'plugin.migrate.applied')).toEqual({
      seq: expect.any(Number) as number,
      t: expect.any(Number) as number,
      type: 'plugin.migrate.applied',
      plugin: 'catalog',
      file: '0000_items.sql',
      durationMs: expect.any(Number) as number,
    });
    const seqs = (isMachine: boolean) =>
      lines
        .filter(({ type }) => String(type).startsWith('machine.') === isMachine)
        .map(({ seq }) => seq);
    for (const each of [seqs(true), seqs(false)]) {
      expect(each).toEqual(each.map((_, index) => index + 1));
    }
    expect(seqs(true).length).toBeGreaterThan(20);
  });

  it('follows every machine from its first state to its end', async () => {
    const { path } = await record({ plugins: await shop() });
    const { machines, machineRecords } = await readStory(path);
    const names = new Map<string, string>();
    const states = new Map<string, string>();
    const jumps: string[] = [];
    for (const change of machineRecords) {
      if (change.type === 'machine.actor') {
        names.set(change.ref, change.src);
        states.set(change.ref, change.state ?? '');
      } else if (change.type === 'machine.transition') {
        if (states.get(change.ref) !== change.from) jumps.push(change.from);
        states.set(change.ref, change.to);
      }
    }
    expect(jumps).toEqual([]);
    const finals = [...states].map(([ref, state]) => `${names.get(ref)} ${state}`);
    expect(finals.toSorted()).toEqual([
      'boot stopped',
      'changes settled',
      'initAll settled',
      'launch launched',
      'migrateAll settled',
      'stopAll settled',
    ]);
    expect(machines.map(({ id }) => id).toSorted()).toEqual([...names.values()].toSorted());
  });

  it('is not made by a boot that is stopped before it has begun', async () => {
    const { path } = await record({}, async (boot) => void (await boot.stop()));
    expect(await readdir(join(path, '..'))).toEqual([]);
  });
});

/** Collects the lines of a recorder. */
function collect() {
  const texts: string[] = [];
  return {
    texts,
    write: (lines: string): void => void texts.push(lines),
    read: () => readStory(texts.join('').split('\n')),
  };
}

describe('a recorder that is made by hand', () => {
  it.each([
    ['before the start', (boot: Boot, begin: () => void) => begin()],
    [
      'in a listener',
      (boot: Boot, begin: () => void) => void boot.once('plugin.migrate.planned', begin),
    ],
    ['when all is up', (boot: Boot, begin: () => void) => void boot.once('boot.finished', begin)],
    [
      'while it stops',
      (boot: Boot, begin: () => void) => void boot.once('plugin.stop.started', begin),
    ],
  ])('%s has every event', async (_, attach) => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: await shop() });
    const { write, read } = collect();
    attach(boot, () => void createRecorder(boot, { write }));
    await startAndStop(boot);
    const { events, end } = await read();
    expect(events.map(({ seq, type }) => `${seq} ${type}`)).toEqual(
      boot.events.map(({ seq, type }) => `${seq} ${type}`),
    );
    expect(end).toBe('finished');
  });

  it('after the end has every event', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    await startAndStop(boot);
    const { write, read } = collect();
    createRecorder(boot, { write })();
    expect((await read()).events).toHaveLength(boot.events.length);
  });

  it('in the middle knows the state of each machine', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: await shop() });
    await boot.start();
    const { write, read } = collect();
    const end = createRecorder(boot, { write });
    end();
    const { machineRecords } = await read();
    expect(machineRecords).toMatchObject([
      { type: 'machine.actor', src: 'boot', state: 'ready' },
      { type: 'machine.actor', src: 'changes', state: 'serving' },
    ]);
  });

  it('ends when it is closed, also twice, and the boot goes on', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: await shop() });
    const { texts, write, read } = collect();
    const end = createRecorder(boot, { write });
    boot.once('plugin.init.started', end);
    await boot.start();
    const before = texts.length;
    end();
    await boot.stop();
    expect(texts).toHaveLength(before);
    const story = await read();
    expect(story.end).toBe('cutOff');
    expect(story.record.finished).toBeUndefined();
  });

  it('writes nothing for a boot that never begins', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    const { texts, write } = collect();
    const end = createRecorder(boot, { write });
    await boot.stop();
    end();
    expect(texts).toEqual([]);
  });

  it('stands beside others, which do not know of it', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    const [one, other] = [collect(), collect()];
    createRecorder(boot, { write: one.write });
    createRecorder(boot, { write: other.write });
    await startAndStop(boot);
    expect(one.texts.join('')).toBe(other.texts.join(''));
  });

  it.each([
    [
      'throws',
      (): void => {
        throw new Error('no disk');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no disk'))],
  ])('ends when its function %s, and reports it once', async (_, fail) => {
    const warnings: unknown[] = [];
    const quiet = (): void => {};
    const warn = (fields: unknown): void => void warnings.push(fields);
    const logger = { debug: quiet, info: quiet, warn, error: quiet };
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth], logger });
    const errors: Error[] = [];
    createRecorder(boot, { write: fail });
    createRecorder(boot, { write: fail, onError: (error) => errors.push(error) });
    await startAndStop(boot);
    expect(errors).toMatchObject([{ message: 'no disk' }]);
    expect(warnings).toMatchObject([{ err: { message: 'no disk' } }]);
    expect(boot.report().outcome).toBe('ready');
  });

  it('leaves details out when it is full, and still has the end', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: await shop() });
    const { texts, write, read } = collect();
    createRecorder(boot, { write, maxLength: 8_000 });
    await startAndStop(boot);
    const text = texts.join('');
    const types = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { readonly type?: string }).type);
    expect(types.filter((type) => type === 'recording.full')).toHaveLength(1);
    expect(types.slice(types.indexOf('recording.full')).join()).not.toMatch(/machine\./);
    expect(text).toMatch(/"type":"recording\.leftOut","lines":\d+/);
    const story = await read();
    const own = storyOf({ id: boot.id, events: boot.events, elapsedMs: story.nowMs });
    expect(headline(story)).toBe(headline(own));
    expect(
      listDifferences(buildReport(own.record).plugins, buildReport(story.record).plugins),
    ).toEqual([]);
    expect(() => [...waits(story), ...criticalChain(story)]).not.toThrow();
  });

  it.each([
    [{}, 'write'],
    [{ write: 'boot.jsonl' }, 'write'],
    [{ write: () => {}, maxLength: 0 }, 'maxLength'],
    [{ write: () => {}, onError: 1 }, 'onError'],
    [{ write: () => {}, limit: 1 }, 'limit'],
  ])('refuses the options %j', (options, name) => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    expect(() => createRecorder(boot, options as never)).toThrow(name);
  });
});
