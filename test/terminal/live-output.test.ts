import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import {
  createLiveOutput,
  definePlugin,
  type LiveOutputOptions,
  type MigrationFunction,
} from '../../src/index.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { firstPlugins, grow } from '../support/growing-boot.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { stageBoot } from '../insight/staged-plan.ts';
import { stamped } from '../telemetry/stamped.ts';
import { createTerminal, type Terminal } from '../support/terminal.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const live = { live: true, colors: true };
const foreignText =
  '日本語のエラー🎉 e\u0301t\u00E9 "\u202Emirror" \u001B[2J\u0007 half\uD83C. '.repeat(5);
const longId = 'a-plugin-whose-name-is-wider-than-a-narrow-screen';

/** A boot with everything that makes lines long, up to ready and down again. */
async function bootInto(terminal: Terminal, how: LiveOutputOptions = live): Promise<void> {
  const fresh = await db.fresh();
  const blockers = fresh.pool({ application_name: 'psql-of-a-colleague' });
  const holder = await blockers.connect();
  await holder.query('SELECT pg_advisory_lock($1)', [String(migrationLockKey('plugin_locked'))]);
  const blocker = await blockers.connect();
  const { boot } = bootUnderTest({
    pool: fresh.pool({ max: 12 }),
    migrations: { ddlLockTimeout: '200ms' },
    plugins: [
      definePlugin({
        id: longId,
        migrations: [
          {
            name: `0000_${'long'.repeat(30)}`,
            run: waitForPicture(/in\s+the\s+way:\s+psql|more running/),
          },
        ],
      }),
      definePlugin({
        id: 'locked',
        migrations: [{ name: '0000_locked', run: (client) => client.query('SELECT 1') }],
      }),
      definePlugin({
        id: 'blocked',
        migrations: [
          { name: '0000_t', run: (client) => client.query('CREATE TABLE t (id int)') },
          { name: '0001_t', run: blockedOnce() },
        ],
      }),
      definePlugin({
        id: 'broken',
        required: false,
        init() {
          throw new Error(foreignText);
        },
      }),
      definePlugin({ id: 'last', after: ['blocked', 'locked', longId] }),
    ],
  });
  function blockedOnce(): MigrationFunction['run'] {
    let isBlocked = false;
    return async (client) => {
      if (!isBlocked) await blocker.query('BEGIN; LOCK TABLE plugin_blocked.t');
      isBlocked = true;
      await client.query('ALTER TABLE t ADD COLUMN n int');
    };
  }
  function waitForPicture(pattern: RegExp) {
    return async () => {
      await terminal.shows(/… locked.*\s+waits\s+\d+\.\ds\s+for\s+its\s+lock|locked\s+waits\s+for/);
      await terminal.shows(pattern);
      await holder.query('SELECT pg_advisory_unlock_all()');
      await blocker.query('COMMIT');
    };
  }
  boot.onAny(createLiveOutput({ stream: terminal, ...how }));
  try {
    await boot.start();
    await boot.stop();
  } finally {
    holder.release();
    blocker.release();
  }
}

describe('the live output', () => {
  it.each([40, 60, 80, 100, 120, 200])(
    'is never wrapped by a terminal of %i columns, whatever is written',
    async (columns) => {
      const terminal = createTerminal({ columns });
      await bootInto(terminal);
      expect(terminal.wraps, terminal.lines.join('\n')).toBe(0);
      const text = terminal.lines.join('\n');
      // Nothing of a foreign text steers the terminal.
      for (const steering of ['\u001B[2J', '\u0007', '\u202E']) {
        expect(terminal.written).not.toContain(steering);
      }
      expect(terminal.written).not.toMatch(/\p{Cs}/u);
      expect(text).toContain('日本語');
      expect(text).toContain(columns > 100 ? '▒ ready' : 'ready');
      expect(text).toContain('stopped after');
      // One line a plugin: a broken line would be none of the table any more.
      const [, ...table] = (/^ {2}plugin .*(?:\n.+)+/m.exec(text)?.[0] ?? '').split('\n');
      expect(table).toHaveLength(5);
      expect(table.every((row) => /^ {2}\S/.test(row))).toBe(true);
      // The area is gone, and with it every listener and timer.
      expect(text).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
      expect(terminal.resizeListeners).toBe(0);
    },
  );

  it('names what a waiting step waits for while it waits, and how long it waited afterwards', async () => {
    const terminal = createTerminal({ columns: 240, rows: 40 });
    await bootInto(terminal);
    const seen = terminal.pictures.join('\n');
    expect(seen).toMatch(
      /… locked +\d+\.\ds {2}waits \d+\.\ds for its lock, held by psql-of-a-colleague \(pid \d+/,
    );
    expect(seen).toMatch(
      /↻ blocked +\d+\.\ds {2}0001_t, attempt \d+(?: in \d\.\ds)?; in the way: psql-of-a-colleague \(pid \d+, idle in transaction, since \d+m?s?.*, on t\): canceling statement due to lock timeout/,
    );
    const left = terminal.lines.join('\n');
    expect(left).toMatch(/… locked +waited .*s for psql-of-a-colleague \(pid \d+/);
    expect(left).toMatch(/… blocked +0001_t took \d+ attempts: canceling statement/);
    expect(left).not.toMatch(/attempt \d+(?: in|:)/);
  });

  it('says why PostgreSQL is waited for', async () => {
    const terminal = createTerminal({ columns: 100 });
    const { boot } = bootUnderTest({
      pool: 'postgres://127.0.0.1:1/nothing',
      plugins: [definePlugin({ id: 'a', migrations: [{ name: '0', run() {} }] })],
      connect: { wait: '60s' },
    });
    boot.onAny(createLiveOutput({ stream: terminal, ...live }));
    const ended = boot.start().catch((error: unknown) => error);
    await terminal.shows(
      /The boot waits .*: PostgreSQL does not answer: .*ECONNREFUSED.*; next\s+attempt in \d\.\ds/,
    );
    await boot.stop();
    expect(await ended).toMatchObject({ code: 'BOOT_CANCELED' });
    expect(terminal.lines.join('\n')).toMatch(/… waited .*: PostgreSQL/);
  });

  it('moves while one step runs, and keeps what others write in the meantime', async () => {
    const terminal = createTerminal({ columns: 80, rows: 10 });
    const { boot } = bootUnderTest({
      pool: db.pool(),
      plugins: [
        definePlugin({
          id: 'slow',
          async init() {
            await terminal.shows(
              /slow +\d+\.\ds {2}starts\n {2}▸ slow starts: .* \(0 of 1 started\)$/,
            );
            terminal.write('a word of its own\nand another\n');
            await terminal.shows(/and another\n(.*\n)*.*slow +\d+\.\ds {2}starts/);
            terminal.write('half a line');
            const before = terminal.pictures.length;
            await delay(250);
            expect(terminal.pictures.slice(before)).toEqual([]);
            terminal.write(', whole\n');
            terminal.resize(50);
            while (timesIn(terminal).size < 4) await showsLater(terminal);
          },
        }),
      ],
    });
    boot.onAny(createLiveOutput({ stream: terminal, ...live }));
    const write: unknown = Reflect.get(terminal, 'write');
    await boot.start();
    expect(terminal.lines).toEqual(
      expect.arrayContaining(['a word of its own', 'and another', 'half a line, whole']),
    );
    expect(terminal.lines.filter((line) => line.includes('starts'))).toEqual([]);
    expect(Reflect.get(terminal, 'write')).toBe(write);
  });

  it('draws at most once in 100 ms, however many plugins there are', async () => {
    const terminal = createTerminal({ columns: 100, rows: 30 });
    const plugins = Array.from({ length: 300 }, (_, index) =>
      definePlugin({
        id: `plugin-${index}`,
        init: () => delay(20, undefined),
      }),
    );
    const { boot } = bootUnderTest({ pool: db.pool(), plugins });
    boot.onAny(createLiveOutput({ stream: terminal, ...live }));
    const report = await boot.start();
    const frames = terminal.written.split('\u001B[J').length;
    expect(frames).toBeLessThan(report.durationMs / 100 + 10);
    expect(terminal.wraps).toBe(0);
    expect(terminal.lines.join('\n')).not.toContain('at work');
    // The area never fills the screen: the cursor could not come back to its first line.
    expect(Math.max(...terminal.pictures.map(areaHeight))).toBeLessThan(14);
  });

  it.each([
    ['what is no terminal', { isTTY: false }, {}],
    ['a terminal in CI', { isTTY: true }, { CI: 'true', TERM: 'xterm', NO_COLOR: '1' }],
    ['a dumb terminal', { isTTY: true }, { CI: '', TERM: 'dumb' }],
  ])('writes plain lines into %s', async (_, { isTTY }, env: Record<string, string>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const terminal = createTerminal({ columns: 60, isTTY });
    try {
      await bootInto(terminal, {});
    } finally {
      vi.unstubAllEnvs();
    }
    expect(terminal.written).not.toContain('\u001B');
    expect(terminal.wraps).toBe(0);
    expect(terminal.lines.join('\n')).toMatch(/… locked +waits for/);
  });

  it('prints the headline with each heartbeat where there is no terminal', () => {
    const terminal = createTerminal({ columns: 120, isTTY: false });
    const headline = 'catalog waits 40s for its migration lock (2 of 12 migrated)';
    const progress = { phase: 'migrateAll', settled: 2, total: 12, running: [], headline } as const;
    const listen = createLiveOutput({ stream: terminal });
    listen(stamped({ type: 'boot.progress', ...progress }));
    expect(terminal.lines).toEqual([`  ${headline}`, '']);
  });

  it('says at the end of a degraded boot what is missing, and by which cause', async () => {
    const terminal = createTerminal({ columns: 200, isTTY: false });
    const staged = stageBoot(
      { required: false, init: 'failed' },
      { required: false, needs: [0] },
      { required: false, needs: [1] },
      {},
    );
    const listen = createLiveOutput({ stream: terminal });
    for (const event of (await runStaged(staged)).events) listen(event);
    const text = terminal.lines.join('\n');
    expect(text).toMatch(
      /\n {2}degraded after .*\n {2}1 of 4 plugins are up after \w+: p1 and p2 did not start because init of p0 failed\n$/,
    );
    // Its init has said it: the ready hook does not say it again.
    expect(text.match(/– p1 /g)).toHaveLength(1);
  });

  it('has no colours where NO_COLOR is set', async () => {
    vi.stubEnv('NO_COLOR', '1');
    vi.stubEnv('TERM', 'xterm');
    const terminal = createTerminal();
    const { boot } = bootUnderTest({ pool: db.pool(), plugins: [] });
    boot.onAny(createLiveOutput({ stream: terminal, live: false }));
    vi.unstubAllEnvs();
    await boot.start();
    expect(terminal.written).not.toContain('\u001B');
  });
});

/** The times of the slow step that were shown so far. */
function timesIn({ pictures }: Terminal): ReadonlySet<string> {
  return new Set(pictures.flatMap((text) => timeIn(text) ?? []));
}

/** Resolves when another time is shown than now, however long a picture takes on a busy machine. */
async function showsLater(terminal: Terminal): Promise<void> {
  const now = timeIn(terminal.pictures.at(-1) ?? '');
  await terminal.shows(new RegExp(`slow +(?!${now} )\\d+\\.\\ds {2}starts`));
}

function timeIn(picture: string): string | undefined {
  return /slow +(\d+\.\ds)/.exec(picture)?.[1];
}

function areaHeight(picture: string): number {
  const lines = picture.split('\n');
  const first = lines.findIndex((line) => /^ {4}[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] /.test(line));
  return first === -1 ? 0 : lines.length - first;
}

describe('the output of a boot whose plugins come and go', () => {
  it('says what each launch adds, and what is removed', async () => {
    const underTest = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    let text = '';
    const stream = { write: (part: string) => ((text += part), true), columns: 100 };
    underTest.boot.onAny(createLiveOutput({ stream, colors: false, live: false }));
    await grow(underTest);
    const after = text.slice(text.indexOf('launch 2')).replaceAll(/ *\(?\b[\d.]+m?s\)?/g, '');
    expect(
      after
        .replaceAll(/ on PostgreSQL.*/g, '')
        .split('\n')
        .map((line) => line.trim())
        // A boot that lasts long, as on a busy machine, also says how far it is.
        .filter((line) => line !== '' && !/\(\d+ of \d+ \w+\)$/.test(line)),
    ).toEqual([
      'launch 2 adds reviews and stars',
      'migrate',
      '✔ reviews  1 file',
      '· stars    up to date',
      'init',
      '✔ reviews  started',
      '✔ stars    started',
      'launch 2 has added reviews and stars',
      'launch 3 adds broken',
      'migrate',
      '· broken   up to date',
      'init',
      '✖ broken   broken failed to start: no light',
      'initAll failed',
      '✔ broken   stopped',
      'launch 3 has failed to add broken: broken failed to start: no light',
      'auth was not removed: reviews uses it',
      'audit is being removed',
      '✔ audit    stopped',
      'audit was removed',
    ]);
  });

  it('shows on a terminal what a launch does right now', async () => {
    const terminal = createTerminal({ columns: 100, rows: 30 });
    const { boot } = bootUnderTest({ pool: db.url, plugins: firstPlugins });
    boot.onAny(createLiveOutput({ ...live, stream: terminal }));
    await boot.start();
    const gate = deferred();
    const adding = boot.add(definePlugin({ id: 'slow', init: () => gate.promise }));
    await terminal.shows(/slow starts: its init has run/);
    gate.resolve();
    await adding;
    expect(terminal.pictures.at(-1)).not.toMatch(/slow starts: its init has run/);
    expect(terminal.pictures.at(-1)).toContain('launch 2 has added slow');
  });
});
