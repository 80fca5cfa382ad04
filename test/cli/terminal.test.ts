import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { linkSlipway } from '../../docs/examples/shop/link-slipway.ts';
import { useDatabase } from '../support/database.ts';
import { findProgram } from '../support/find-program.ts';
import { packageRoot } from '../support/built-package.ts';
import { createTerminal } from '../support/terminal.ts';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { holdLock } from '../http/held-lock.ts';
import { configOf, lastLine, startOnTerminal } from './cli-process.ts';

const db = useDatabase();
beforeAll(linkSlipway);

const script = await findProgram({ names: ['script'], tests: 'the command line on a terminal' });
const after = join(packageRoot, 'docs/examples/insight/after.jsonl');
const before = join(packageRoot, 'docs/examples/insight/before.jsonl');
const small = ['--config', configOf('small')];
const failed = ['--config', 'situations/failed.config.ts'];

/** The text as the screen shows it, with the number of lines that the terminal had to break. */
function show(written: string, columns: number) {
  const screen = createTerminal({ columns, rows: 50 });
  screen.write(written);
  return { text: screen.lines.join('\n').trimEnd(), wraps: screen.wraps };
}

describe.skipIf(script === undefined)('on a terminal', () => {
  it.each([60, 80, 200])(
    'of %i columns no answer is wider',
    async (columns) => {
      const { url } = await db.fresh();
      const env = { DATABASE_URL: url };
      const asked = [
        ['--help'],
        ['plan'],
        ['plan', ...failed],
        ['status'],
        ['graph'],
        ['why', 'billing', after, '--at', '1s'],
        ['blame', after],
        ['critical-chain', after],
        ['timeline', after],
        ['what-if', after, '--without', 'auth.init'],
        ['diff', before, after],
        ['findings', after],
        ['verify', after],
      ];
      for (const args of asked) {
        const { code, stdout } = await startOnTerminal(args, columns, { env }).ended;
        expect(code, `${args.join(' ')}: ${stdout}`).toBe(0);
        expect(show(stdout, columns).wraps, args.join(' ')).toBe(0);
      }
    },
    180_000,
  );

  it.each([60, 200])(
    'of %i columns shows the progress of a boot, and the error below it',
    async (columns) => {
      const { url } = await db.fresh();
      const { code, stdout } = await startOnTerminal(['migrate', ...failed], columns, {
        env: { DATABASE_URL: url },
      }).ended;
      expect(code).toBe(1);
      const { text, wraps } = show(stdout, columns);
      // The line of the file stays whole, so that the caret stands below its place.
      expect(wraps).toBe(columns === 60 ? 1 : 0);
      expect(text).toMatch(
        /failed after [^]*\n\nMIGRATION_FAILED: [^]*0002_expiry\.sql[^]*\n {2}→ [^]*and\s+stays\.$/,
      );
      // The lines that were drawn in place are gone.
      expect(text.split('MIGRATION_FAILED')[1]).not.toMatch(/\d+ of \d+ migrated/);
    },
  );

  it('Ctrl-C stops a boot in good order in each phase', async () => {
    const { url } = await db.fresh();
    const env = { DATABASE_URL: url };
    const starting = startOnTerminal(['start', ...small], 80, { env: { ...env, HANG: '1' } });
    await starting.prints(/a plugin that prints/);
    starting.type('\u0003');
    const { code, stdout } = await starting.ended;
    expect(code).toBe(130);
    expect(show(stdout, 80).text).toMatch(
      /SIGINT: stops everything[^]*\nBOOT_CANCELED: [^]*\n {2}→ [^\n]*$/,
    );
    const up = startOnTerminal(['start', ...small], 80, { env });
    await up.prints(/Ctrl-C stops it/);
    up.type('\u0003');
    expect((await up.ended).code).toBe(0);
    expect(show(up.stdout, 80).text).toMatch(/✔ notes +stopped[^]*stopped after \S+$/);
  });

  it('Ctrl-C stops a boot that waits for the lock of another process', async () => {
    const { url } = await db.fresh();
    await using _ = await holdLock(url, migrationLockKey('plugin_notes'));
    const waiting = startOnTerminal(['migrate', ...small], 200, { env: { DATABASE_URL: url } });
    await waiting.prints(/for its (?:migration )?lock, held by/);
    waiting.type('\u0003');
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(130);
    const { text } = show(stdout, 200);
    expect(text).toMatch(/\nBOOT_CANCELED: [^]*\n {2}→ [^\n]*$/);
    // What was drawn in place is gone, and the cursor is back.
    expect(text.split('BOOT_CANCELED')[1]).not.toContain('held by');
    expect(stdout.lastIndexOf('\u001B[?25h')).toBeGreaterThanOrEqual(
      stdout.lastIndexOf('\u001B[?25l'),
    );
  });

  it('a second Ctrl-C cuts the way down off, and says so', async () => {
    const { url } = await db.fresh();
    const cli = startOnTerminal(['start', ...small], 80, {
      env: { DATABASE_URL: url, HANG_STOP: '1' },
    });
    await cli.prints(/Ctrl-C stops it/);
    cli.type('\u0003');
    await cli.prints(/Another signal cuts it off/);
    cli.type('\u0003');
    expect((await cli.ended).code).toBe(130);
    expect(lastLine(show(cli.stdout, 80).text)).toBe(
      '  SIGINT: cut off. PostgreSQL rolls back what was not committed.',
    );
  });

  it('has colours, unless NO_COLOR is set or the terminal is dumb', async () => {
    const escape = '\u001B[';
    for (const [env, hasColors] of [
      [{}, true],
      [{ NO_COLOR: '1' }, false],
      [{ TERM: 'dumb' }, false],
    ] as const) {
      const { stdout } = await startOnTerminal(['blame', after], 80, { env }).ended;
      expect(stdout.includes(escape)).toBe(hasColors);
    }
  });
});
