import { describe, expect, it } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import type { Logger } from '../../src/core/logger.ts';
import { createLogListener } from '../../src/telemetry/log-listener.ts';
import { stamped } from './stamped.ts';

function logOf(news: UnstampedEvent): readonly [level: string, fields: object, message: string] {
  const lines: [string, object, string][] = [];
  const at =
    (level: string) =>
    (fields: object | string, message = '') =>
      void lines.push([level, fields as object, message]);
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
  void createLogListener(logger)(stamped(news));
  if (!lines[0]) throw new Error('nothing was logged');
  return lines[0];
}

describe('the log', () => {
  it('writes the name of the event and all it carries', () => {
    const [level, fields, message] = logOf({
      type: 'plugin.migrate.applied',
      plugin: 'catalog',
      file: '0001.sql',
      durationMs: 12,
    });
    expect(level).toBe('info');
    expect(fields).toMatchObject({
      event: 'plugin.migrate.applied',
      plugin: 'catalog',
      file: '0001.sql',
      seq: 1,
    });
    expect(message).toBe('catalog: plugin.migrate.applied in 12ms');
  });

  it('is loud about a failure, with the error as err', () => {
    const error = new Error('boom');
    const [level, fields, message] = logOf({
      type: 'plugin.init.finished',
      plugin: 'a',
      outcome: 'failed',
      durationMs: 1,
      error,
    });
    expect([level, message]).toEqual(['error', 'a: plugin.init.finished failed in 1ms: boom']);
    expect(fields).toMatchObject({ err: error });
  });

  it('names in one line what is lost with an optional plugin', () => {
    const lines: [fields: object, message: string][] = [];
    const ignore = (): void => {};
    const logger: Logger = {
      debug: ignore,
      info: (fields: object | string, message?: string) =>
        void lines.push([fields as object, message ?? '']),
      warn: ignore,
      error: ignore,
    };
    const log = createLogListener(logger);
    const hear = (news: UnstampedEvent): void => void log(stamped(news));
    const needs = (from: string, to: string) =>
      ({ from, to, kind: 'needs', reason: `${to} needs ${from}` }) as const;
    for (const plugin of ['catalog', 'search', 'billing', 'reports', 'later']) {
      hear({ type: 'plugin.discovered', plugin, required: false, enabled: true });
    }
    const order = ['catalog', 'search', 'billing', 'reports', 'later'];
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
    expect(lines).toEqual([
      [
        {
          event: 'plugin.migrate.finished',
          bootId: 'b',
          seq: 1,
          plugin: 'catalog',
          lost: ['search', 'billing', 'reports'],
        },
        'catalog failed; search, billing and reports do not start because of it',
      ],
    ]);
  });
});
