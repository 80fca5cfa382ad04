import { describe, expect, it } from 'vitest';
import { BootError } from '../../src/core/errors.ts';
import type { UnstampedEvent, GraphEdge } from '../../src/core/events.ts';
import { BootRecord } from '../../src/insight/boot-record.ts';
import { buildReport } from '../../src/insight/build-report.ts';

/** Tells news at given times, as the relay would. */
function recordOf(
  ...told: readonly (readonly [elapsedMs: number, news: UnstampedEvent])[]
): BootRecord {
  const record = new BootRecord('boot-1');
  told.forEach(([elapsedMs, news], index) => {
    record.add({
      ...news,
      bootId: 'boot-1',
      seq: index + 1,
      at: 1_000 + elapsedMs,
      elapsedMs,
    });
  });
  return record;
}

const edge = (from: string, to: string): GraphEdge => ({ from, to, kind: 'needs', reason: '' });
const started = (plugin: string, slot: number): UnstampedEvent => ({
  type: 'plugin.init.started',
  plugin,
  slot,
});
const migrated = (plugin: string): UnstampedEvent => ({
  type: 'plugin.migrate.finished',
  plugin,
  outcome: 'upToDate',
  durationMs: 0,
});
const finished = (plugin: string, durationMs: number): UnstampedEvent => ({
  type: 'plugin.init.finished',
  plugin,
  outcome: 'done',
  durationMs,
});

describe('the report', () => {
  it('starts with every step of every plugin not reached', () => {
    const record = recordOf([
      0,
      { type: 'plugin.discovered', plugin: 'a', required: true, enabled: true },
    ]);
    const step = { outcome: 'notReached', durationMs: 0 };
    expect(buildReport(record)).toMatchObject({
      bootId: 'boot-1',
      startedAt: '1970-01-01T00:00:01.000Z',
      outcome: 'running',
      plugins: [{ id: 'a', migrate: step, init: step, ready: step, stop: step }],
    });
  });

  it('says what each step waited for, and which chain decided the time of the boot', () => {
    const record = recordOf(
      ...['a', 'b', 'c'].map(
        (plugin) =>
          [0, { type: 'plugin.discovered', plugin, required: true, enabled: true }] as const,
      ),
      [1, { type: 'graph.sorted', order: ['a', 'b', 'c'], edges: [edge('a', 'b')], warnings: [] }],
      ...['a', 'b', 'c'].map((plugin) => [5, migrated(plugin)] as const),
      [10, { type: 'phase.started', phase: 'initAll' }],
      [10, started('a', 1)],
      [30, finished('a', 20)],
      [30, started('c', 1)],
      [45, finished('c', 15)],
      [45, started('b', 1)],
      [65, finished('b', 20)],
    );
    const report = buildReport(record);
    const inits = report.plugins.map(({ id, init: { eligibleAtMs, slot, waits } }) => ({
      id,
      eligibleAtMs,
      slot,
      waits,
    }));
    expect(inits).toEqual([
      { id: 'a', eligibleAtMs: 10, slot: 1, waits: { gate: 5 } },
      { id: 'b', eligibleAtMs: 30, slot: 1, waits: { gate: 5, dependency: 20, slot: 15 } },
      { id: 'c', eligibleAtMs: 10, slot: 1, waits: { gate: 5, slot: 20 } },
    ]);
    expect(report.criticalPath).toEqual([
      { step: 'discover', kind: 'work', startMs: 0, endMs: 10, via: 'start' },
      { plugin: 'a', step: 'init', kind: 'work', startMs: 10, endMs: 30, via: 'gate' },
      { plugin: 'c', step: 'init', kind: 'work', startMs: 30, endMs: 45, via: 'slot' },
      { plugin: 'b', step: 'init', kind: 'work', startMs: 45, endMs: 65, via: 'slot' },
    ]);
  });

  it('keeps the work of a plugin apart from what Slipway does after it', () => {
    const record = recordOf(
      [0, { type: 'plugin.discovered', plugin: 'a', required: true, enabled: true }],
      [1, { type: 'graph.sorted', order: ['a'], edges: [], warnings: [] }],
      [5, migrated('a')],
      [10, { type: 'phase.started', phase: 'initAll' }],
      [10, started('a', 1)],
      [30, finished('a', 20)],
      [50, { type: 'phase.finished', phase: 'initAll', outcome: 'done', durationMs: 40 }],
    );
    expect(buildReport(record).criticalPath.slice(1)).toEqual([
      { plugin: 'a', step: 'init', kind: 'work', startMs: 10, endMs: 30, via: 'gate' },
      { step: 'init', kind: 'work', startMs: 30, endMs: 50, via: 'step' },
    ]);
  });

  it('is JSON, also with errors and problems in it', () => {
    const error = new BootError('PLAN_INVALID', 'no', {
      problems: [{ code: 'DATABASE_READ_ONLY', message: 'm', hint: 'h' }],
    });
    const record = recordOf(
      [
        0,
        {
          type: 'plugin.discovered',
          plugin: 'a',
          required: false,
          enabled: true,
          version: '1.0.0',
        },
      ],
      [
        1,
        { type: 'plugin.migrate.finished', plugin: 'a', outcome: 'failed', durationMs: 1, error },
      ],
      [2, { type: 'boot.finished', outcome: 'failed', durationMs: 2, error }],
    );
    const report = buildReport(record);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(report.problems).toHaveLength(1);
    expect(report.plugins[0]?.migrate.error?.code).toBe('PLAN_INVALID');
  });
});
