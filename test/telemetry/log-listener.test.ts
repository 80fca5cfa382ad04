import { describe, expect, it } from 'vitest';
import type { BootNews } from '../../src/core/events.ts';
import type { Logger } from '../../src/core/logger.ts';
import { createLogListener } from '../../src/telemetry/log-listener.ts';
import { stamped } from './stamped.ts';

function logOf(news: BootNews): readonly [level: string, fields: object, message: string] {
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
});
