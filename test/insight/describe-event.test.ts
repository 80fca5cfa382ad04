import { describe, expect, it } from 'vitest';
import { bootEventNames } from '../../src/core/event-meanings.ts';
import { readStory } from '../../src/insight.ts';
import { describeEvent } from '../../src/insight/describe-event.ts';
import type { RecordedEvent } from '../../src/insight/recorded-event.ts';

const { events } = await readStory(
  new URL('../../docs/examples/insight/after.jsonl', import.meta.url),
);
const find = (type: string, plugin?: string): RecordedEvent => {
  const isIt = (event: RecordedEvent): boolean =>
    event.type === type && (plugin === undefined || ('plugin' in event && event.plugin === plugin));
  const found = events.find(isIt);
  if (!found) throw new Error(`There is no ${type}`);
  return found;
};

describe('the sentence of an event', () => {
  it('is one line for every event of a boot', () => {
    for (const event of events) expect(describeEvent(event), event.type).toMatch(/^[^\p{Cc}]+$/u);
  });

  it('names the file, the statement and the command', () => {
    expect(describeEvent(find('plugin.migrate.executing', 'auth'))).toBe(
      '0000_users.sql: statement 1 of 1, CREATE TABLE',
    );
  });

  it('says at which command an unfinished file goes on', () => {
    const applying = { ...find('plugin.migrate.applying', 'auth'), statements: 5, goesOnAt: 3 };
    expect(describeEvent(applying as RecordedEvent)).toMatch(/, goes on at command 3 of 5$/);
  });

  it('names the holder of a lock', () => {
    expect(describeEvent(find('plugin.migrate.waiting'))).toMatch(
      /^has waited .* for its lock, held by slipway\/catalog@pod-2 \(pid \d+ at 127\.0\.0\.1/,
    );
  });

  it('names the error of a step that failed, and the reason of one that did not run', () => {
    expect(describeEvent(find('plugin.init.finished', 'search'))).toBe(
      'failed after 45ms: search failed to start: connect ECONNREFUSED 10.0.0.9:9200',
    );
    expect(describeEvent(find('plugin.init.finished', 'suggest'))).toBe(
      'a dependency failed: search failed',
    );
  });

  it('writes out what a terminal or a page would execute', () => {
    const warning = {
      ...find('boot.started'),
      type: 'boot.warning',
      message: 'a\u202Eb\u001B[2J\nc',
    };
    expect(describeEvent(warning as RecordedEvent)).toBe(String.raw`a\u202eb\x1b[2J`);
  });

  it('is empty for the event of a later version', () => {
    expect(bootEventNames).not.toContain('boot.yodeled');
    expect(describeEvent({ type: 'boot.yodeled' } as unknown as RecordedEvent)).toBe('');
  });
});
