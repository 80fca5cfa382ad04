import { readFileSync } from 'node:fs';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { describe, expect, it } from 'vitest';
import { traceBoot } from '../../src/otel.ts';
import { definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** Boots that succeed and fail, as Prometheus would scrape them. */
async function scrape(): Promise<string> {
  const { url } = await db.fresh();
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const files = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
  let attempts = 0;
  const init = () => {
    attempts += 1;
    if (attempts === 1) throw new Error('not yet');
  };
  const late = definePlugin({ id: 'late', retry: { attempts: 2, backoff: 1 }, init });
  const broken = { id: 'broken', migrations: await migrationFolder({ '0000_a': 'SELECT 1 / 0' }) };
  const up = bootUnderTest({ pool: url, plugins: [...files, late] }).boot;
  traceBoot(up, { meterProvider });
  await up.start();
  await up.add({ id: 'reviews', init() {} });
  const down = bootUnderTest({ pool: url, plugins: [broken] }).boot;
  traceBoot(down, { meterProvider });
  await failureOf(down.start());
  const { resourceMetrics } = await reader.collect();
  return new PrometheusSerializer().serialize(resourceMetrics);
}

describe('the queries of the dashboard in docs/telemetry.md', () => {
  it('ask for metrics and labels that are exported, and for each of the metrics', async () => {
    const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');
    const queries = [
      ...page.matchAll(/```promql\n([^]*?)```/g),
      ...page.matchAll(/^\| [^|]+ \| `([^`]*slipway_[^`]*)` /gm),
    ].map(([, query = '']) => query);
    expect(queries).toHaveLength(11);
    // The collector and Prometheus add the unit to a name, as OpenTelemetry asks for. This exporter does not.
    const asked = queries.join('\n').replaceAll('_seconds', '');
    const names = new Set(asked.match(/\b(?:slipway|error)_[a-z_]+/g));
    const scraped = await scrape();
    const known = new Set(scraped.match(/\b(?:slipway|error)_[a-z_]+/g));
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
    const metrics = new Set(scraped.match(/(?<=^# TYPE )slipway_\w+/gm));
    const inUse = [...metrics].filter((metric) =>
      [...names].some((name) => name.startsWith(metric)),
    );
    expect(metrics.size).toBe(7);
    expect(inUse).toEqual([...metrics]);
  });
});
