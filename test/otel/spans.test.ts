import { describe, expect, it } from 'vitest';
import { exportStory, storyOf } from '../../src/insight.ts';
import type { OtlpAttribute, OtlpTraces } from '../../src/insight/exports/otlp.ts';
import { traceBoot } from '../../src/otel.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { definePlugin, serviceRef, type Plugin } from '../../src/index.ts';
import { holdLock } from '../http/held-lock.ts';
import { failureOf } from '../support/boot-under-test.ts';
import { deferred } from '../support/deferred.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { collect, isError } from './collected.ts';
import { useTracedBoots } from './traced-boots.ts';

const { db, bootUnderTest, traced } = useTracedBoots();
const table = { '0000_a': 'CREATE TABLE a (id int);', '0001_b': 'CREATE TABLE b (id int);' };

describe('the spans of a boot', () => {
  it('are the boot, its phases, the steps of plugins, and their files', async () => {
    const [catalog] = await alikePlugins(['catalog'], table);
    const search: Plugin = { id: 'search', after: ['catalog'], init: () => ({}) };
    const { boot, tree } = await traced([catalog!, search]);
    await boot.start();
    await boot.stop();
    expect(tree()).toEqual([
      'discover < slipway boot',
      'flush < migrateAll',
      'init catalog < initAll',
      'init search < initAll',
      'initAll < slipway boot',
      'migrate catalog < migrateAll',
      'migrate.file < migrate catalog',
      'migrate.file < migrate catalog',
      'migrateAll < slipway boot',
      'ready catalog < initAll',
      'ready search < initAll',
      'slipway boot < -',
      'sort < slipway boot',
      'stop catalog < stopAll',
      'stop search < stopAll',
      'stopAll < -',
    ]);
  });

  it('have the times of the events', async () => {
    const [catalog] = await alikePlugins(['catalog'], table);
    const { boot, recording, find } = await traced([catalog!]);
    await boot.start();
    const [started] = recording.of('plugin.init.started');
    const [finished] = recording.of('plugin.init.finished');
    const startedAt = recording.events[0]?.at ?? 0;
    const { startTime, endTime } = find('init catalog');
    const ms = ([seconds, nanos]: readonly [number, number]): number =>
      seconds * 1_000 + nanos / 1e6;
    expect(ms(startTime)).toBeCloseTo(startedAt + (started?.elapsedMs ?? 0), 2);
    expect(ms(endTime)).toBeCloseTo(startedAt + (finished?.elapsedMs ?? 0), 2);
  });

  it('name the boot, the step, the plugin, the file, the database and the server', async () => {
    const [catalog] = await alikePlugins(['catalog'], table);
    const { boot, find, spans, url } = await traced([catalog!]);
    await boot.start();
    const { hostname, port, pathname } = new URL(url);
    const database = {
      'db.system.name': 'postgresql',
      'db.namespace': `${pathname.slice(1)}|plugin_catalog`,
      'server.address': hostname,
      'server.port': Number(port),
    };
    expect(find('slipway boot').attributes).toEqual({
      'slipway.boot.id': boot.id,
      'slipway.outcome': 'ready',
    });
    expect(find('migrate catalog').attributes).toMatchObject({
      'slipway.boot.id': boot.id,
      'slipway.step': 'migrate',
      'slipway.plugin.id': 'catalog',
      'slipway.outcome': 'done',
      ...database,
    });
    const files = spans().filter(({ name }) => name === 'migrate.file');
    expect(files.map(({ attributes }) => attributes)).toMatchObject(
      ['0000_a', '0001_b'].map((file) => ({
        'slipway.migration.file': `${file}.sql`,
        'slipway.migration.transaction': true,
        'slipway.plugin.id': 'catalog',
        'slipway.outcome': 'applied',
        ...database,
      })),
    );
    expect(find('slipway boot').instrumentationScope.name).toBe('slipway');
    expect(find('slipway boot').instrumentationScope.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('agree with those of an exported recording: names, parents and attributes', async () => {
    const [catalog, broken] = await alikePlugins(['catalog', 'broken'], table);
    const plugins: readonly Plugin[] = [
      catalog!,
      { ...broken!, required: false, init: () => Promise.reject(new Error('no luck')) },
      { id: 'search', required: false, after: ['catalog'], init: () => ({}) },
    ];
    const { boot, spans, find } = await traced(plugins);
    await boot.start();
    const written = exportStory(storyOf(boot), 'otlp');
    const { resourceSpans } = JSON.parse(written) as OtlpTraces;
    const exported = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((s) => s.spans));
    const own = spans().map(({ name, attributes }) => ({ name, attributes }));
    const read = ({ key, value }: OtlpAttribute) => {
      const [type, text] = Object.entries(value)[0] as [string, unknown];
      return [key, type === 'intValue' ? Number(text) : text];
    };
    // A step that was not reached is a point in the drawing of a recording, and nothing in a trace.
    const ran = exported.filter((span) => !JSON.stringify(span).includes('notReached'));
    const theirs = ran.map(({ name, attributes }) => ({
      name,
      attributes: Object.fromEntries(attributes.map(read)) as object,
    }));
    const sorted = (all: readonly object[]): readonly string[] =>
      all.map((each) => JSON.stringify(each, sortKeys)).toSorted();
    expect(sorted(own)).toEqual(sorted(theirs));
    expect(isError(find('init broken'))).toBe(true);
  });

  it('of a stop that comes after the launch are a trace of their own, linked to the boot', async () => {
    const { boot, find } = await traced([{ id: 'catalog', init: () => ({}) }]);
    await boot.start();
    expect(find('slipway boot').ended).toBe(true);
    await boot.stop();
    const [link] = find('stopAll').links;
    expect(link?.context).toEqual(find('slipway boot').spanContext());
    expect(find('stopAll').spanContext().traceId).not.toBe(link?.context.traceId);
    expect(find('stop catalog').parentSpanContext?.spanId).toBe(
      find('stopAll').spanContext().spanId,
    );
  });
});

/** JSON with the keys in order. */
function sortKeys(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a.localeCompare(b)))
    : value;
}

describe('the spans of a boot that has trouble', () => {
  it('have the code and the SQLSTATE of a migration that failed, and nothing of its SQL', async () => {
    const migrations = await migrationFolder({
      '0000_a': `CREATE TABLE a (id int);\n--> statement-breakpoint\nINSERT INTO a VALUES ('se-cret');`,
    });
    const { boot, spans, find } = await traced([{ id: 'catalog', migrations }]);
    await failureOf(boot.start());
    const failed = { 'error.type': 'MIGRATION_FAILED', 'db.response.status_code': '22P02' };
    for (const name of ['slipway boot', 'migrateAll', 'migrate catalog', 'migrate.file']) {
      expect(isError(find(name)), name).toBe(true);
      expect(find(name).attributes, name).toMatchObject(failed);
    }
    expect(find('migrate.file').status.message).toBe('a migration failed');
    const all = spans().map(({ name, attributes, status, events }) => [
      name,
      attributes,
      status,
      events,
    ]);
    expect(JSON.stringify(all)).not.toMatch(/se-cret|INSERT|CREATE/);
  });

  it('say of a plugin that is lost with another one why it did not run', async () => {
    const authApi = serviceRef<{ readonly token: string }>('auth.api');
    const auth: Plugin = {
      id: 'auth',
      required: false,
      provides: { authApi },
      init: () => Promise.reject(new Error('x')),
    };
    const billing = definePlugin({
      id: 'billing',
      required: false,
      deps: { authApi },
      init: () => undefined,
    });
    const { boot, find } = await traced([auth, billing]);
    const { outcome } = await boot.start();
    expect(outcome).toBe('degraded');
    expect(find('slipway boot').attributes['slipway.outcome']).toBe('degraded');
    expect(isError(find('slipway boot'))).toBe(false);
    expect(find('init auth').attributes['error.type']).toBe('INIT_FAILED');
    expect(find('init billing').attributes).toMatchObject({
      'slipway.outcome': 'dependency',
      'error.type': 'dependency',
    });
    expect(find('init billing').duration).toEqual([0, 0]);
  });

  it('are no errors when a retry has ended well', async () => {
    let attempts = 0;
    const init = () => {
      attempts += 1;
      if (attempts < 3) throw new Error('not yet');
    };
    const plugin: Plugin = { id: 'catalog', init, retry: { attempts: 3, backoff: 1 } };
    const { boot, spans, find, points } = await traced([plugin]);
    await boot.start();
    expect(spans().filter(isError)).toEqual([]);
    expect(spans().filter(({ attributes }) => 'error.type' in attributes)).toEqual([]);
    const waits = find('init catalog').events.map(({ attributes }) => attributes);
    expect(waits.map((each) => each?.['slipway.wait.reason'])).toEqual(['retry', 'retry']);
    expect(await points('slipway.step.retries')).toMatchObject([
      { value: 2, attributes: { 'slipway.step': 'init', 'slipway.plugin.id': 'catalog' } },
    ]);
  });

  it('have the attempts at a file, and the wait for a lock of another session', async () => {
    const url = (await db.fresh()).url;
    const [catalog] = await alikePlugins(['catalog'], table);
    const collected = collect();
    await using lock = await holdLock(url, migrationLockKey('plugin_catalog'));
    const { boot } = bootUnderTest({ pool: url, plugins: [catalog!] });
    traceBoot(boot, collected);
    boot.once('plugin.migrate.waiting', () => lock.release());
    await boot.start();
    const step = collected.find('migrate catalog');
    const wait = step.events.find(
      ({ attributes }) => attributes?.['slipway.wait.reason'] === 'lock',
    );
    expect(wait?.attributes?.['slipway.wait.holder']).toContain('another replica');
    expect(step.attributes['slipway.wait.lock']).toBeGreaterThan(0);
    expect(isError(step)).toBe(false);
    const waits = await collected.points('slipway.step.wait.duration');
    const waited = waits.find(({ attributes }) => attributes['slipway.wait.reason'] === 'lock');
    expect(waited?.value).toMatchObject({ count: 1, sum: step.attributes['slipway.wait.lock'] });
  });

  it('end with the boot when it is stopped in the middle of a step', async () => {
    const begun = deferred();
    const init = ({ signal }: { readonly signal: AbortSignal }) => {
      begun.resolve();
      return new Promise<void>((_, reject) =>
        signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
      );
    };
    const { boot, find, spans } = await traced([definePlugin({ id: 'catalog', init })]);
    const started = boot.start();
    await begun.promise;
    await boot.stop('enough');
    await failureOf(started);
    expect(find('init catalog').attributes['slipway.outcome']).toBe('canceled');
    expect(find('slipway boot').attributes['slipway.outcome']).toBe('canceled');
    expect(spans().filter(isError)).toEqual([]);
    expect(find('stopAll').parentSpanContext?.spanId).toBe(
      find('slipway boot').spanContext().spanId,
    );
  });
});
