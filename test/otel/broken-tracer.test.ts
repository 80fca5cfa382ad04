import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { traceBoot } from '../../src/otel.ts';
import { definePlugin, provide, serviceRef } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins } from '../support/migration-folder.ts';
import { collect, useAsyncContext } from './collected.ts';

const db = useDatabase();
const bootUnderTest = useBoots();
useAsyncContext();

const broken = (): never => {
  throw new Error('a bad tracer');
};
const brokenSpan = {
  spanContext: broken,
  setAttributes: broken,
  setStatus: broken,
  addEvent: broken,
  end: broken,
};
const cases = {
  'a tracer that cannot be made': { getTracer: broken },
  'a tracer that makes no spans': { getTracer: () => ({ startSpan: broken }) },
  'spans that throw': { getTracer: () => ({ startSpan: () => brokenSpan }) },
  'an exporter that throws': new BasicTracerProvider({
    spanProcessors: [
      new SimpleSpanProcessor({ export: broken, shutdown: () => Promise.resolve() }),
    ],
  }),
} as unknown as Readonly<Record<string, TracerProvider>>;

describe('a boot is not harmed', () => {
  it.each(Object.entries(cases))(
    'by %s, and the metrics are still there',
    async (_, tracerProvider) => {
      const { url } = await db.fresh();
      const { meterProvider, points } = collect();
      const lines: string[] = [];
      const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
      const plugins = await alikePlugins(['a', 'b'], { '0000_a': 'CREATE TABLE a (id int);' });
      const { boot } = bootUnderTest({ pool: url, plugins, logger });
      const end = traceBoot(boot, { tracerProvider, meterProvider });
      const { outcome } = await boot.start();
      expect(outcome).toBe('ready');
      expect(await points('slipway.step.duration')).toHaveLength(6);
      await boot.stop();
      end();
      expect(lines.every((line) => line.includes('a bad tracer'))).toBe(true);
    },
  );

  it('by a meter that throws, and the spans are still there', async () => {
    const meterProvider = { getMeter: broken } as unknown as MeterProvider;
    const { tracerProvider, tree } = collect();
    const { boot } = bootUnderTest({ pool: db.url, plugins: [{ id: 'a' }] });
    traceBoot(boot, { tracerProvider, meterProvider });
    await boot.start();
    expect(tree()).toContain('init a < initAll');
  });

  it('by a tracer that throws when a boot is traced that is up already', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: [{ id: 'a' }] });
    await boot.start();
    const tracerProvider = { getTracer: broken } as unknown as TracerProvider;
    traceBoot(boot, { tracerProvider })();
  });
});

describe('a secret', () => {
  it('of an export, a password or a parameter is in no span and in no metric', async () => {
    const secret = 'pa$$-s3cret';
    const { url } = await db.fresh();
    const connection = new URL(url);
    connection.password = secret;
    const collected = collect();
    const tokenApi = serviceRef<{ readonly token: string }>('vault.token');
    const init = () => ({ tokenApi: { token: secret } });
    const vault = definePlugin({ id: 'vault', provides: { tokenApi }, init });
    const failing = definePlugin({
      id: 'failing',
      provides: { tokenApi },
      required: false,
      migrations: [
        {
          name: '0000_keys',
          // PostgreSQL repeats the parameter in its message.
          run: async (client) => void (await client.query('SELECT $1::int', [secret])),
        },
      ],
      init,
    });
    const hostApi = serviceRef<{ readonly key: string }>('host.key');
    for (const plugin of [failing, vault]) {
      const { boot } = bootUnderTest({
        pool: connection.href,
        plugins: [plugin],
        services: [provide(hostApi, { key: secret })],
      });
      traceBoot(boot, collected);
      await boot.start();
      await boot.stop();
    }
    const spans = collected
      .spans()
      .map(({ name, attributes, events, status, links }) => [
        name,
        attributes,
        events,
        status,
        links,
      ]);
    expect(JSON.stringify(spans)).toContain('22P02');
    const names = ['boot.duration', 'phase.duration', 'step.duration', 'step.wait.duration'];
    const points = await Promise.all(names.map((name) => collected.points(`slipway.${name}`)));
    expect(JSON.stringify([spans, points])).not.toContain(secret);
  });
});
