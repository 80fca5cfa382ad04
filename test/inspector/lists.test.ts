import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readStory } from '../../src/insight.ts';
import { chooseBand, chooseRows, rowHeight } from '../../src/inspector/page/bands.ts';
import { EventFilter, type LogFilter } from '../../src/inspector/page/log/log-filter.ts';
import { readFiles } from '../../src/inspector/page/details/plugin-files.ts';

const recording = new URL('../../docs/examples/insight/after.jsonl', import.meta.url);
const story = await readStory(recording);

describe('a long list of the page', () => {
  it('always shows the item in question, and never more items than it may', () => {
    assert(
      property(integer({ min: 1, max: 2_000 }), integer({ min: 1, max: 300 }), (count, most) => {
        for (const around of [0, Math.floor(count / 2), count - 1]) {
          const [from, to] = chooseBand(count, around, most);
          expect(to - from).toBe(Math.min(count, most));
          expect(from).toBeLessThanOrEqual(around);
          expect(to).toBeGreaterThan(around);
        }
      }),
    );
  });

  it('has the rows of the log that are in sight, wherever it is scrolled', () => {
    assert(
      property(
        integer({ min: 0, max: 30_000 }),
        integer({ min: 0, max: 800_000 }),
        integer({ min: 0, max: 2_000 }),
        (count, scrolled, height) => {
          const top = Math.min(scrolled, Math.max(0, count * rowHeight - height));
          const [from, to] = chooseRows(count, top, height);
          expect(from * rowHeight).toBeLessThanOrEqual(top);
          expect(to).toBeGreaterThanOrEqual(Math.min(count, Math.ceil((top + height) / rowHeight)));
          expect(to - from).toBeLessThan(height / rowHeight + 30);
        },
      ),
    );
  });
});

describe('the filter of the log', () => {
  const list = (filter: Partial<LogFilter>) =>
    new EventFilter().list(story.events, { group: 'all', text: '', ...filter });

  it('keeps every event without a choice', () => {
    expect(list({})).toEqual(story.events);
  });

  it('finds events by plugin, by group, and by a text in any case', () => {
    expect(list({ plugin: 'search' }).every((event) => 'plugin' in event)).toBe(true);
    expect(list({ group: 'problems' }).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['plugin.migrate.waiting', 'plugin.init.finished', 'boot.finished']),
    );
    expect(list({ group: 'stop' }).every(({ type }) => type.startsWith('plugin.stop'))).toBe(true);
    expect(list({ text: ' econnREFUSED ' }).length).toBeGreaterThan(0);
    expect(list({ text: 'no such text' })).toEqual([]);
  });

  it('finds the same events when they come one after the other', () => {
    const filter: LogFilter = { group: 'all', plugin: 'catalog', text: 'items' };
    const growing = new EventFilter();
    const events = story.events.slice(0, 10);
    for (const event of story.events.slice(10)) {
      growing.list(events, filter);
      events.push(event);
    }
    expect(growing.list(events, filter)).toEqual(list(filter));
    expect(growing.list(events, { ...filter, text: '' })).toEqual(list({ plugin: 'catalog' }));
  });
});

describe('the files of a plugin', () => {
  const read = (ms: number) => {
    const plugin = story.at(ms).record.find('catalog');
    return plugin ? readFiles(plugin).map(({ name, state }) => [name, state]) : [];
  };

  it('are pending, then run, then are applied', () => {
    expect(read(1_000)).toEqual([
      ['0000_items.sql', 'pending'],
      ['0001_backfill.sql', 'pending'],
    ]);
    expect(read(2_000)).toEqual([
      ['0000_items.sql', 'applied'],
      ['0001_backfill.sql', 'running'],
    ]);
    expect(read(3_000).map(([, state]) => state)).toEqual(['applied', 'applied']);
  });
});
