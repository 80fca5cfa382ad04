import { describe, expect, it } from 'vitest';
import { BootRecord } from '../../src/core/boot-record.ts';
import { buildReport } from '../../src/core/build-report.ts';
import { BootError } from '../../src/core/errors.ts';
import type { UnstampedEvent, GraphEdge } from '../../src/core/events.ts';

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
const started = (plugin: string): UnstampedEvent => ({ type: 'plugin.init.started', plugin });
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

  it('tells queue time apart from own time, and finds the critical path', () => {
    const record = recordOf(
      [0, { type: 'boot.started', until: 'ready' }],
      ...['a', 'b', 'c'].map(
        (plugin) =>
          [0, { type: 'plugin.discovered', plugin, required: true, enabled: true }] as const,
      ),
      [1, { type: 'graph.sorted', order: ['a', 'b', 'c'], edges: [edge('a', 'b')], warnings: [] }],
      [10, { type: 'phase.started', phase: 'initAll' }],
      [10, started('a')],
      [30, finished('a', 20)],
      [35, started('b')],
      [40, started('c')],
      [45, finished('c', 5)],
      [65, finished('b', 30)],
    );
    const report = buildReport(record);
    const inits = report.plugins.map(({ id, init }) => [id, init.queuedMs, init.durationMs]);
    expect(inits).toEqual([
      ['a', 0, 20],
      ['b', 5, 30],
      ['c', 30, 5],
    ]);
    expect(report.criticalPath).toEqual([
      { plugin: 'a', step: 'init', startedAtMs: 10, durationMs: 20 },
      { plugin: 'b', step: 'init', startedAtMs: 35, durationMs: 30 },
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
