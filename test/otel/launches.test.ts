import { context, trace } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { definePlugin, type Plugin } from '../../src/index.ts';
import { failureOf } from '../support/boot-under-test.ts';
import { deferred } from '../support/deferred.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { useTracedBoots } from './traced-boots.ts';

const { traced } = useTracedBoots();
const table = { '0000_a': 'CREATE TABLE a (id int);' };
const auth: Plugin = { id: 'auth', init: () => ({}) };
const broken = definePlugin({
  id: 'broken',
  init() {
    throw new Error('no light');
  },
});

describe('the spans of a launch into a boot that is up', () => {
  it('are a trace of its own, with a link to the boot', async () => {
    const { boot, tree, spans, find } = await traced([auth]);
    await boot.start();
    const before = new Set(spans());
    const [reviews] = await alikePlugins(['reviews'], table);
    await boot.add(reviews!);
    const own = spans().filter((span) => !before.has(span));
    const root = find('slipway launch');
    expect(new Set(own.map((span) => span.spanContext().traceId))).toEqual(
      new Set([root.spanContext().traceId]),
    );
    expect(root.attributes).toEqual({
      'slipway.boot.id': boot.id,
      'slipway.launch': 2,
      'slipway.outcome': 'ready',
    });
    expect(root.links.map((link) => link.context)).toEqual([find('slipway boot').spanContext()]);
    expect(tree().filter((each) => /reviews|launch|file/.test(each))).toEqual([
      'discover < slipway launch',
      'init reviews < initAll',
      'initAll < slipway launch',
      'migrate reviews < migrateAll',
      'migrate.file < migrate reviews',
      'migrateAll < slipway launch',
      'ready reviews < initAll',
      'slipway launch < -',
      'sort < slipway launch',
    ]);
    await boot.stop();
    expect(tree()).toContain('stop reviews < stopAll');
    expect(spans().filter(({ name }) => name === 'stop reviews')).toHaveLength(1);
  });

  it('are children of the span that is active at boot.add(), also when another launch goes first', async () => {
    const { boot, tracerProvider, spans, find } = await traced([auth]);
    await boot.start();
    const tracer = tracerProvider.getTracer('host');
    const gate = deferred();
    const begun = deferred();
    const addIn = (name: string, plugin: Plugin) => {
      const span = tracer.startSpan(name);
      const adding = context.with(trace.setSpan(context.active(), span), () => boot.add(plugin));
      return adding.finally(() => span.end());
    };
    const first = addIn('POST /plugins/one', {
      id: 'one',
      init: () => {
        begun.resolve();
        return gate.promise;
      },
    });
    await begun.promise;
    const second = addIn('POST /plugins/two', { id: 'two', init: () => ({}) });
    gate.resolve();
    await Promise.all([first, second]);
    const launches = spans().filter(({ name }) => name === 'slipway launch');
    expect(launches.map((span) => span.parentSpanContext?.spanId)).toEqual(
      ['POST /plugins/one', 'POST /plugins/two'].map((name) => find(name).spanContext().spanId),
    );
  });

  it('are around the code of its plugins', async () => {
    const { boot, find } = await traced([auth]);
    await boot.start();
    const active: string[] = [];
    const note = () =>
      void active.push(trace.getSpan(context.active())?.spanContext().spanId ?? 'none');
    await boot.add({ id: 'reviews', init: note, ready: note });
    expect(active).toEqual(
      ['init reviews', 'ready reviews'].map((name) => find(name).spanContext().spanId),
    );
  });

  it('have the failure, and the stop of what had started', async () => {
    const { boot, tree, find } = await traced([auth]);
    await boot.start();
    await failureOf(
      boot.add([
        { id: 'first', init: () => ({}) },
        { ...broken, after: ['first'] },
      ]),
    );
    expect(find('slipway launch').attributes).toMatchObject({
      'slipway.outcome': 'failed',
      'error.type': 'INIT_FAILED',
    });
    expect(tree()).toContain('stop first < stopAll');
    expect(tree()).toContain('stopAll < slipway launch');
  });

  it('end with a removal, which has a span and a link to the boot', async () => {
    const { boot, tree, find } = await traced([auth]);
    await boot.start();
    await boot.add({ id: 'reviews', init: () => ({}) });
    await boot.remove('reviews');
    await boot.remove('auth');
    expect(find('slipway removal').attributes).toEqual({
      'slipway.boot.id': boot.id,
      'slipway.plugin.id': 'reviews',
      'slipway.outcome': 'done',
    });
    expect(find('slipway removal').links).toHaveLength(1);
    expect(tree()).toContain('stop reviews < slipway removal');
    expect(tree()).toContain('stop auth < slipway removal');
  });

  it('all end when the boot stops in the middle of a launch', async () => {
    const { boot, find } = await traced([auth]);
    await boot.start();
    const begun = deferred();
    const adding = failureOf(
      boot.add(
        definePlugin({
          id: 'hangs',
          init: ({ signal }) =>
            new Promise<void>((_, reject) => {
              begun.resolve();
              signal.addEventListener('abort', () => reject(signal.reason as Error));
            }),
        }),
      ),
    );
    const queued = failureOf(boot.add({ id: 'queued', init: () => ({}) }));
    await begun.promise;
    await boot.stop();
    await Promise.all([adding, queued]);
    expect(find('slipway launch').attributes['slipway.outcome']).toBe('canceled');
    expect(find('init hangs').attributes['slipway.outcome']).toBe('canceled');
  });
});

describe('the metrics of a launch', () => {
  it('are its duration, and its steps and phases once among those of the boot', async () => {
    const { boot, points } = await traced([auth]);
    await boot.start();
    const [reviews] = await alikePlugins(['reviews'], table);
    await boot.add(reviews!);
    await failureOf(boot.add(broken));
    await boot.remove('reviews');
    await boot.stop();
    expect(await points('slipway.boot.duration')).toMatchObject([
      { attributes: { 'slipway.outcome': 'ready' }, value: { count: 1 } },
    ]);
    expect(await points('slipway.launch.duration')).toMatchObject([
      { attributes: { 'slipway.outcome': 'ready' }, value: { count: 1 } },
      { attributes: { 'slipway.outcome': 'failed' }, value: { count: 1 } },
    ]);
    const steps = (await points('slipway.step.duration')).filter(
      ({ attributes }) => attributes['slipway.plugin.id'] === 'reviews',
    );
    expect(steps.map(({ attributes, value }) => [attributes['slipway.step'], value])).toMatchObject(
      [
        ['migrate', { count: 1 }],
        ['init', { count: 1 }],
        ['ready', { count: 1 }],
        ['stop', { count: 1 }],
      ],
    );
    const phases = await points('slipway.phase.duration');
    const discover = phases.find(({ attributes }) => attributes['slipway.phase'] === 'discover');
    expect(discover?.value).toMatchObject({ count: 3 });
    expect(await points('slipway.migration.files')).toMatchObject([{ value: 1 }]);
  });
});
