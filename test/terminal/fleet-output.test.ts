import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  BootError,
  createFleetOutput,
  type DatabaseReport,
  type FleetEvent,
} from '../../src/index.ts';
import { toErrorRecord } from '../../src/core/error-record.ts';
import { createTerminal } from '../support/terminal.ts';

const finished = (name: string, more: Partial<DatabaseReport> = {}): FleetEvent => ({
  type: 'database.finished',
  database: { name, outcome: 'done', durationMs: 12, applied: [], ...more },
});

const failed = (name: string, file: string): FleetEvent => {
  const error = new BootError('MIGRATION_FAILED', `the disk of ${name} is full`, {
    plugin: 'shop',
    position: { file },
  });
  return finished(name, { outcome: 'failed', error: toErrorRecord(error) });
};

function started(databases: number, canaries = 0): FleetEvent {
  return { type: 'fleet.started', databases, canaries, listed: databases };
}

/** What a pipe gets. */
function pipe() {
  const written: string[] = [];
  const show = createFleetOutput({ stream: { write: (text) => void written.push(text) } });
  return {
    show,
    get lines() {
      return written
        .join('')
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
    },
  };
}

const counts = { done: 0, upToDate: 0, failed: 0, canceled: 0, notReached: 0 };
const end = {
  type: 'fleet.finished',
  report: { outcome: 'done', listed: 1, durationMs: 1_500, counts, failures: [], databases: [] },
} as const satisfies FleetEvent;

describe('the output of a fleet in a pipe', () => {
  it.each([1, 19, 200, 20_000])('has about twenty lines for %i databases', (total) => {
    const out = pipe();
    out.show(started(total));
    for (let at = 0; at < total; at += 1) {
      out.show({ type: 'database.started', database: `d${at}`, canary: false });
      out.show(finished(`d${at}`, { outcome: at % 2 === 0 ? 'done' : 'upToDate' }));
    }
    out.show(end);
    expect(out.lines.length).toBeLessThanOrEqual(23);
    expect(out.lines.at(-1)).toMatch(
      new RegExp(`^${total} of ${total} databases?: \\d+ migrated.* after 1\\.50s$`),
    );
  });

  it('says after half a minute of silence what runs longest, and what it does', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const out = pipe();
    out.show(started(2));
    out.show({ type: 'database.started', database: 'acme', canary: false });
    vi.advanceTimersByTime(30_000);
    out.show({ type: 'database.applying', database: 'acme', plugin: 'shop', file: 'a.sql' });
    vi.advanceTimersByTime(30_000);
    expect(out.lines.slice(-2)).toEqual([
      '0 of 2 databases; acme: waits for PostgreSQL',
      '0 of 2 databases; acme: shop applies a.sql',
    ]);
    out.show(end);
  });

  it('has each kind of failure once, and counts the others', () => {
    const out = pipe();
    out.show(started(500, 1));
    out.show(finished('first', { canary: true, applied: [{ plugin: 'shop', file: 'a.sql' }] }));
    for (let at = 0; at < 400; at += 1) out.show(failed(`d${at}`, at === 7 ? 'b.sql' : 'a.sql'));
    out.show(end);
    expect(out.lines.filter((line) => line.startsWith('✖'))).toEqual([
      '✖ d0  MIGRATION_FAILED of shop in a.sql: the disk of d0 is full',
      '✖ d7  MIGRATION_FAILED of shop in b.sql: the disk of d7 is full',
    ]);
    expect(out.lines).toContain('✔ first (canary)  1 file');
    expect(out.lines.at(-1)).toContain('401 of 500 databases: 1 migrated, 400 failed');
  });
});

describe('a canary', () => {
  it('has a line of its own, as long as there are few', () => {
    const out = pipe();
    out.show(started(1_000, 1_000));
    for (let at = 0; at < 1_000; at += 1) out.show(finished(`d${at}`, { canary: true }));
    out.show(end);
    expect(out.lines.filter((line) => line.startsWith('✔'))).toHaveLength(20);
    expect(out.lines.length).toBeLessThanOrEqual(43);
  });

  it('has what was done to it', () => {
    const out = pipe();
    out.show(started(3, 3));
    out.show(finished('renamed', { canary: true }));
    out.show(finished('old', { canary: true, outcome: 'upToDate' }));
    out.show(finished('stopped', { canary: true, outcome: 'canceled' }));
    out.show(end);
    expect(out.lines.filter((line) => line.startsWith('✔'))).toEqual([
      '✔ renamed (canary)  migrated',
      '✔ old (canary)  up to date',
      '✔ stopped (canary)  canceled',
    ]);
  });
});

describe('the output of a fleet on a terminal', () => {
  it('shows what runs, in no more lines than there is room for', async () => {
    const terminal = createTerminal({ columns: 80, rows: 9 });
    const show = createFleetOutput({ stream: terminal, live: true, colors: false });
    show(started(300));
    for (let at = 0; at < 90; at += 1) {
      show({ type: 'database.started', database: `d${at}-${'x'.repeat(90)}`, canary: false });
    }
    const database = `d0-${'x'.repeat(90)}`;
    show({ type: 'database.applying', database, plugin: 'shop', file: '0004_tax.sql\u001B[2J' });
    await terminal.shows(/shop applies 0004_tax\.sql[^]*0 of 300 databases/);
    const [picture = ''] = terminal.pictures.slice(-1);
    expect(picture.split('\n').filter((line) => /x…x|0 of 300/.test(line))).toHaveLength(6);
    show(failed('broken', 'a.sql'));
    show({ type: 'fleet.stopping', because: 'broken failed' });
    show(end);
    const text = terminal.lines.join('\n');
    expect(text).toMatch(/✖ broken {2}MIGRATION_FAILED of shop in a\.sql/);
    expect(text).toMatch(/No further database begins: broken failed/);
    expect(text).not.toContain('shop applies');
    expect(terminal.wraps).toBe(0);
    expect(terminal.resizeListeners).toBe(0);
  });
});
