import { describe, expect, it } from 'vitest';
import type { LockBlocker, SessionsBehind, StatementLook } from '../../src/index.ts';
import { describeLook, describeLock } from '../../src/insight/statement-words.ts';

const psql: LockBlocker = {
  pid: 991,
  applicationName: 'psql',
  state: 'idle in transaction',
  transactionMs: 41_000,
};
const scan = { phase: 'building index: scanning table', index: 'orders_idx', relation: 'orders' };
const behind: SessionsBehind = {
  relation: 'orders',
  mode: 'ACCESS EXCLUSIVE',
  sessions: 14,
  longestMs: 1_900,
  applicationNames: ['api@web-1'],
};

describe('a statement that runs', () => {
  it.each<[string, string, StatementLook]>([
    [
      'CREATE INDEX CONCURRENTLY orders_idx: 63 %, about 50 s left (building index: scanning table)',
      'CREATE INDEX CONCURRENTLY',
      { progress: { ...scan, percent: 63, etaMs: 49_400 } },
    ],
    [
      'CREATE INDEX CONCURRENTLY orders_idx: 63 % (building index: scanning table)',
      'CREATE INDEX CONCURRENTLY',
      { progress: { ...scan, percent: 63 } },
    ],
    [
      'CREATE INDEX CONCURRENTLY orders_idx: waits for old snapshots of psql (pid 991, idle in transaction, since 41.00s)',
      'CREATE INDEX CONCURRENTLY',
      { progress: { ...scan, phase: 'waiting for old snapshots', percent: 0 }, blockers: [psql] },
    ],
    [
      'CREATE INDEX CONCURRENTLY orders_idx: waits for writers before build of another session (pid 7) and 1 more',
      'CREATE INDEX CONCURRENTLY',
      {
        progress: { ...scan, phase: 'waiting for writers before build' },
        blockers: [{ pid: 7 }, psql],
      },
    ],
    [
      'CREATE INDEX on orders: building index: sorting live tuples',
      'CREATE INDEX',
      { progress: { phase: 'building index: sorting live tuples', relation: 'orders' } },
    ],
    [
      'VACUUM orders: 5 %, about 10 min left (scanning heap)',
      'VACUUM',
      { progress: { phase: 'scanning heap', relation: 'orders', percent: 5, etaMs: 600_000 } },
    ],
    [
      'CLUSTER orders: index scanning heap, 120 tuples',
      'CLUSTER',
      {
        progress: { phase: 'index scanning heap', relation: 'orders', done: 120, unit: 'tuples' },
      },
    ],
    [
      'waits for a lock of psql (pid 991, idle in transaction, since 41.00s)',
      'ALTER TABLE',
      { blockers: [psql] },
    ],
    [
      'waits for a lock of psql (pid 991, idle in transaction, since 41.00s); 14 sessions of api@web-1 waited up to 1.90s so far for its ACCESS EXCLUSIVE lock on orders',
      'ALTER TABLE',
      { blockers: [psql], behind: [behind] },
    ],
    [
      '1 other session waited up to 1.90s so far for its row lock on orders',
      'UPDATE',
      { behind: [{ relation: 'orders', sessions: 1, longestMs: 1_900, applicationNames: [] }] },
    ],
    [
      '2 sessions of a and b waited up to 1.90s so far for its transaction',
      'UPDATE',
      { behind: [{ sessions: 2, longestMs: 1_900, applicationNames: ['a', 'b'] }] },
    ],
    ['', 'ALTER TABLE', {}],
  ])('is described: %s', (words, command, look) => {
    expect(describeLook(command, look)).toBe(words);
  });

  it('shows no name that a terminal would execute', () => {
    const name = 'psql\u001B[2J';
    expect(describeLook('', { blockers: [{ pid: 1, applicationName: name }] })).not.toContain(
      '\u001B',
    );
  });
});

describe('a lock that kept others waiting', () => {
  const lock = {
    file: '0001_orders.sql',
    command: 'ALTER TABLE',
    relation: 'orders',
    mode: 'ACCESS EXCLUSIVE',
    heldMs: 2_300,
    sessions: 14,
    longestWaitMs: 1_900,
    applicationNames: ['api@web-1', 'api@web-2', 'jobs', 'psql'],
  };

  it('is described with the command, the table, the mode, the sessions and their wait', () => {
    expect(describeLock(lock)).toBe(
      'ALTER TABLE orders: ACCESS EXCLUSIVE 2.30s, 14 sessions of api@web-1, api@web-2 and 2 more waited up to 1.90s',
    );
  });

  it('that the file never obtained says so', () => {
    const { heldMs: _, ...wanted } = lock;
    expect(describeLock(wanted)).toContain('ALTER TABLE orders: waited for ACCESS EXCLUSIVE, 14');
  });
});
