import { describe, expect, it } from 'vitest';
import { traceBoot } from '../../src/otel.ts';
import type { Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { alikePlugins, migrationFolder } from '../support/migration-folder.ts';
import { collect } from './collected.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

async function measured(plugins: readonly Plugin[]) {
  const { url } = await db.fresh();
  const collected = collect();
  const underTest = bootUnderTest({ pool: url, plugins });
  traceBoot(underTest.boot, collected);
  return { ...underTest, ...collected };
}

describe('the metrics of a boot', () => {
  it('are seconds of the boot, its phases and the steps of plugins', async () => {
    const [catalog] = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
    const { boot, points, recording } = await measured([catalog!]);
    await boot.start();
    const [finished] = recording.of('boot.finished');
    const [ofBoot] = await points('slipway.boot.duration');
    expect(ofBoot).toMatchObject({
      attributes: { 'slipway.outcome': 'ready' },
      value: { count: 1, sum: (finished?.durationMs ?? 0) / 1_000 },
    });
    const phases = await points('slipway.phase.duration');
    expect(phases.map(({ attributes }) => attributes)).toEqual(
      ['discover', 'sort', 'migrateAll', 'initAll'].map((phase) => ({
        'slipway.phase': phase,
        'slipway.outcome': 'done',
      })),
    );
    const steps = await points('slipway.step.duration');
    expect(steps.map(({ attributes }) => attributes)).toEqual(
      ['migrate', 'init', 'ready'].map((step) => ({
        'slipway.step': step,
        'slipway.plugin.id': 'catalog',
        'slipway.outcome': 'done',
      })),
    );
    expect(await points('slipway.migration.files')).toMatchObject([
      { value: 1, attributes: { 'slipway.plugin.id': 'catalog', 'slipway.outcome': 'applied' } },
    ]);
  });

  it('have boundaries that suit seconds', async () => {
    const { boot, points } = await measured([{ id: 'catalog' }]);
    await boot.start();
    const [point] = await points('slipway.boot.duration');
    const boundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
    expect(point?.value).toMatchObject({ buckets: { boundaries } });
  });

  it('have the same type of error as the spans', async () => {
    const migrations = await migrationFolder({ '0000_a': 'SELECT 1 / 0;' });
    const { boot, points, find } = await measured([{ id: 'catalog', migrations }]);
    await failureOf(boot.start());
    for (const [metric, span] of [
      ['slipway.boot.duration', 'slipway boot'],
      ['slipway.step.duration', 'migrate catalog'],
    ] as const) {
      const failed = (await points(metric)).filter(({ attributes }) => 'error.type' in attributes);
      expect(failed.map(({ attributes }) => attributes['error.type'])).toEqual([
        'MIGRATION_FAILED',
      ]);
      expect(find(span).attributes['error.type']).toBe('MIGRATION_FAILED');
    }
    expect(await points('slipway.migration.files')).toMatchObject([
      { value: 1, attributes: { 'slipway.outcome': 'failed' } },
    ]);
  });

  it('have neither file names nor ids of boots', async () => {
    const [catalog] = await alikePlugins(['catalog'], { '0000_a': 'CREATE TABLE a (id int);' });
    const { boot, points } = await measured([catalog!]);
    await boot.start();
    await boot.stop();
    const names = ['boot.duration', 'phase.duration', 'step.duration', 'step.wait.duration'];
    const all = await Promise.all(
      [...names, 'migration.files'].map((name) => points(`slipway.${name}`)),
    );
    expect(all.flat().length).toBeGreaterThan(9);
    expect(JSON.stringify(all)).not.toMatch(/0000_a/);
    expect(JSON.stringify(all)).not.toContain(boot.id);
  });
});
