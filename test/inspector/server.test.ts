import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definePlugin, type Boot, type BootOptions } from '../../src/index.ts';
import { createInspector, type Inspector, type InspectorOptions } from '../../src/inspector.ts';
import { parseRecording } from '../../src/insight/parse-recording.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder, temporaryFolder } from '../support/migration-folder.ts';
import { readEvents } from './event-reader.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const auth = definePlugin({ id: 'auth', init: () => {} });

const createBoot = (options: Partial<BootOptions> = {}): Boot =>
  bootUnderTest({ pool: db.url, plugins: [auth], ...options }).boot;

async function inspect(
  source: Parameters<typeof createInspector>[0],
  options?: InspectorOptions,
): Promise<Inspector> {
  const inspector = await createInspector(source, options);
  onTestFinished(() => inspector.close());
  return inspector;
}

/** Records a boot, and returns the path and the lines. */
async function record(): Promise<{ readonly path: string; readonly lines: readonly string[] }> {
  const path = join(await temporaryFolder(), 'boot.jsonl');
  const boot = createBoot({ record: path });
  await boot.start();
  await boot.stop();
  return { path, lines: (await readFile(path, 'utf8')).trimEnd().split('\n') };
}

/** Whether the lines are a recording with every event of the boot. */
function expectWhole(lines: readonly string[], boot: Boot): void {
  const story = parseRecording(lines);
  expect(story.events.map(({ seq, type }) => `${seq} ${type}`)).toEqual(
    boot.events.map(({ seq, type }) => `${seq} ${type}`),
  );
}

describe('the inspector of a boot', () => {
  it('sends every line from the first to the last, and then ends', async () => {
    const boot = createBoot({
      plugins: [
        auth,
        definePlugin({ id: 'shop', migrations: await migrationFolder({ '0000_a': 'SELECT 1;' }) }),
      ],
    });
    const { url } = await inspect(boot);
    const reader = await readEvents(url);
    await boot.start();
    await reader.shows(/"boot\.finished"/);
    expect(reader.events.map(({ event }) => event)).not.toContain('end');
    await boot.stop();
    await reader.closed;
    expectWhole(reader.lines, boot);
    expect(reader.events.at(-1)?.event).toBe('end');
    const ids = reader.events.flatMap(({ id }) => id ?? []);
    expect(ids.at(-1)).toBe(reader.lines.length);
    expect(reader.lines.filter((line) => line.includes('"machine.')).length).toBeGreaterThan(10);
  });

  it('sends the time of the boot with the lines', async () => {
    const boot = createBoot();
    const reader = await readEvents((await inspect(boot)).url);
    await boot.start();
    await reader.shows(/"boot\.finished"/);
    const times = reader.events.flatMap(({ event, data }) => (event === 'now' ? data : []));
    expect(times[0]).toBe('0');
    expect(Number(times.at(-1))).toBeGreaterThan(0);
    expect(times.map(Number)).toEqual(times.map(Number).toSorted((a, b) => a - b));
  });

  it('sends the time to a reader that comes late once it has every line', async () => {
    const boot = createBoot();
    const { url } = await inspect(boot);
    await boot.start();
    const late = await readEvents(url);
    await late.has('now');
    const first = late.events.findIndex(({ event }) => event === 'now');
    const before = late.events.slice(0, first).flatMap(({ data }) => data);
    expect(before.some((line) => line.includes('"boot.finished"'))).toBe(true);
  });

  it('sends what a plugin is about to do before the plugin does it', async () => {
    const reached = deferred();
    const boot = createBoot({
      plugins: [definePlugin({ id: 'slow', init: () => reached.promise })],
    });
    const reader = await readEvents((await inspect(boot)).url);
    const started = boot.start();
    await reader.shows(/"plugin\.init\.started","plugin":"slow"/);
    reached.resolve();
    await started;
  });

  it('gives a browser that comes late everything', async () => {
    const boot = createBoot();
    const { url } = await inspect(boot);
    await boot.start();
    const late = await readEvents(url);
    await late.shows(/"boot\.finished"/);
    await boot.stop();
    const last = await readEvents(url);
    await Promise.all([late.closed, last.closed]);
    expectWhole(late.lines, boot);
    expect(last.lines).toEqual(late.lines);
  });

  it.each([
    ['is up', async (boot: Boot) => void (await boot.start())],
    [
      'has stopped',
      async (boot: Boot) => {
        await boot.start();
        await boot.stop();
      },
    ],
  ])('has the whole story of a boot that %s already', async (_, run) => {
    const boot = createBoot();
    await run(boot);
    const reader = await readEvents((await inspect(boot)).url);
    await reader.shows(/"boot\.finished"/);
    await boot.stop();
    await reader.closed;
    expectWhole(reader.lines, boot);
  });

  it('ends when its boot is stopped before it has begun, for a browser that comes late too', async () => {
    const boot = createBoot();
    const inspector = await inspect(boot);
    const reader = await readEvents(inspector.url);
    await boot.stop();
    await reader.closed;
    for (const { url } of [inspector, await inspect(boot)]) {
      const late = await readEvents(url);
      await late.closed;
      expect(late.events.map(({ event }) => event)).toEqual(['end']);
    }
  });

  it.each([
    [
      'fails',
      (boot: Boot) => failureOf(boot.start()),
      { id: 'a', init: () => Promise.reject(new Error('no')) },
    ],
    ['only migrates', (boot: Boot) => boot.migrate(), auth],
  ])('ends when a boot %s and is down', async (_, run, plugin) => {
    const boot = createBoot({ plugins: [plugin] });
    const reader = await readEvents((await inspect(boot)).url);
    await run(boot);
    await reader.closed;
    expectWhole(reader.lines, boot);
    expect(reader.events.at(-1)?.event).toBe('end');
  });

  it('gives a browser that connects again exactly the lines that it lacks', async () => {
    const boot = createBoot();
    const { url } = await inspect(boot);
    await boot.start();
    const whole = await readEvents(url);
    await whole.shows(/"boot\.finished"/);
    const { lines } = whole;
    for (const options of [
      { headers: { 'Last-Event-ID': '5' } },
      { after: 5 },
      // The address is that of the first time, and the header is new.
      { after: 2, headers: { 'Last-Event-ID': '5' } },
    ]) {
      const again = await readEvents(url, options);
      await again.shows(/"boot\.finished"/);
      expect(again.lines).toEqual(lines.slice(5));
      again.leave();
    }
    const upToDate = await readEvents(url, { after: lines.length });
    await boot.stop();
    await Promise.all([upToDate.closed, whole.closed]);
    expect(upToDate.lines).toEqual(whole.lines.slice(lines.length));
  });

  it.each(['999999', '-1', '1e3', '0x5', '5.5', 'abc', '٣', '9'.repeat(400), '5, 5'])(
    'begins at the first line after the id %j, which is no place in it',
    async (id) => {
      const boot = createBoot();
      const { url } = await inspect(boot);
      await boot.start();
      await boot.stop();
      const reader = await readEvents(
        url,
        /^[ -~]+$/.test(id) ? { headers: { 'Last-Event-ID': id } } : { after: id },
      );
      await reader.closed;
      expectWhole(reader.lines, boot);
    },
  );

  it('may be one of several', async () => {
    const boot = createBoot();
    const [one, other] = [await inspect(boot), await inspect(boot)];
    expect(one.url).not.toBe(other.url);
    const readers = [await readEvents(one.url), await readEvents(other.url)] as const;
    await boot.start();
    await boot.stop();
    await Promise.all(readers.map(({ closed }) => closed));
    expect(readers[0].lines).toEqual(readers[1].lines);
    expectWhole(readers[0].lines, boot);
  });

  it('ends its connections when it is closed, and the boot goes on', async () => {
    const boot = createBoot();
    const inspector = await inspect(boot);
    const reader = await readEvents(inspector.url);
    const closing = new Promise<void>((resolve) => {
      boot.once('plugin.init.started', () => resolve(inspector.close()));
    });
    await boot.start();
    await closing;
    await reader.closed;
    expect(boot.report().outcome).toBe('ready');
    await inspector.close();
    await expect(readEvents(inspector.url)).rejects.toThrow('ECONNREFUSED');
  });

  it('is closed at the end of its block', async () => {
    const { url } = await (async () => {
      await using inspector = await createInspector(createBoot());
      return { url: inspector.url };
    })();
    await expect(readEvents(url)).rejects.toThrow('ECONNREFUSED');
  });

  it('that gets a port which is taken names it, and the boot goes on', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const boot = createBoot();
    await expect(createInspector(boot, { port })).rejects.toMatchObject({
      code: 'INSPECTOR_UNAVAILABLE',
      message: `Port ${port} of 127.0.0.1 is taken by another server`,
    });
    expect((await boot.start()).outcome).toBe('ready');
  });

  it('takes the port that it is given, again after it was closed', async () => {
    const boot = createBoot();
    const first = await inspect(boot);
    const port = Number(new URL(first.url).port);
    await first.close();
    const second = await inspect(boot, { port });
    expect(new URL(second.url).port).toBe(String(port));
    expect(second.url).not.toBe(first.url);
  });

  it.each([
    [{ port: -1 }, 'Expected port to be an integer from 0 to 65535, got -1'],
    [{ port: 65_536 }, 'Expected port to be'],
    [{ port: '80' }, 'Expected port to be'],
    [{ prot: 80 }, 'createInspector() has no option prot. Did you mean port?'],
    [null, 'Expected the options of createInspector() to be an object'],
  ])('refuses the options %j', async (options, message) => {
    const making = createInspector(createBoot(), options as never);
    await expect(making).rejects.toMatchObject({ code: 'OPTIONS_INVALID' });
    await expect(making).rejects.toThrow(message);
  });

  it.each([[{}], [undefined], [42], [{ onAny: () => {} }]])('refuses %j', async (source) => {
    await expect(createInspector(source as never)).rejects.toThrow(
      'to be a boot or the path of a recording',
    );
  });
});

describe('the inspector of a recording', () => {
  it.each([
    ['a path', (path: string) => path],
    ['a URL', (path: string) => pathToFileURL(path)],
  ])('sends the lines of %s as they are, and then ends', async (_, toSource) => {
    const { path, lines } = await record();
    const reader = await readEvents((await inspect(toSource(path))).url);
    await reader.closed;
    expect(reader.lines).toEqual(lines);
    expect(reader.events.map(({ event }) => event).filter((event) => event !== 'lines')).toEqual([
      'end',
    ]);
  });

  it('that is cut off sends it with its cut line', async () => {
    const { path, lines } = await record();
    const cut = [...lines.slice(0, 9), lines[9]?.slice(0, 20) ?? ''];
    await writeFile(path, cut.join('\n'));
    const reader = await readEvents((await inspect(path)).url);
    await reader.closed;
    expect(reader.lines).toEqual(cut);
    expect(parseRecording(reader.lines).end).toBe('cutOff');
  });

  it('is not led astray by line breaks of other systems', async () => {
    const { path, lines } = await record();
    await writeFile(path, lines.map((line) => line.replace('{', '{\r')).join('\r\n'));
    const reader = await readEvents((await inspect(path)).url);
    await reader.closed;
    expect(parseRecording(reader.lines).events).toHaveLength(parseRecording(lines).events.length);
    expect(reader.events.filter(({ event }) => event === 'end')).toHaveLength(1);
  });

  it('refuses at once what is no recording', async () => {
    const { path } = await record();
    await appendFile(path, '{"damaged":\n{}\n');
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'other.json'), '{}');
    for (const [source, message] of [
      [path, /Line \d+ of the recording is damaged/],
      [join(folder, 'none.jsonl'), /ENOENT/],
      [join(folder, 'other.json'), /This is no recording of a boot/],
      [folder, /EISDIR/],
      ['', /ENOENT/],
      [new URL('https://example.com/boot.jsonl'), /must be of scheme file/],
    ] as const) {
      await expect(createInspector(source)).rejects.toMatchObject({
        code: 'RECORDING_UNREADABLE',
        message: expect.stringMatching(message) as string,
      });
    }
  });
});
