import { describe, expect, test, vi } from 'vitest';
import { situationNames, type SituationName } from '../../docs/examples/shop/options.ts';
import { headline, readStory } from '../../src/insight.ts';
import { chromium, findBarriers, useBrowser } from '../support/browser.ts';
import { startShop, type ShopProcess } from '../proofs/shop-process.ts';
import { useDatabase } from '../support/database.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const browser = useBrowser();

/** A part of the headline of each situation, and the exit code after Ctrl-C. */
const ends: Readonly<Record<SituationName, readonly [RegExp, number]>> = {
  'slow-migration': [
    /postcodes applies 0002_town_index\.sql \(file 2 of 3\): statement 2 of 2.* has run for .*CREATE INDEX on postcodes: .*building index.*; orders, .*wait/,
    130,
  ],
  lock: [
    /catalog waits .* for its migration lock, held by slipway\/catalog@.*; it waits for psql \(pid \d+, idle in transaction.*, on plugin_catalog\.products\); .* wait for it/,
    130,
  ],
  hang: [/broker starts: its init has run for .*; notifications, .* wait for it/, 130],
  failed: [
    /The boot failed after .*vouchers .*0002_expiry\.sql, statement 2 of 3: column "create_at" does not exist/,
    0,
  ],
  dependency: [
    /The boot failed after .*: \w+, \w+ and 8 more did not start because sessions failed to start: connect ECONNREFUSED/,
    0,
  ],
};

describe('npm run demo -- --show', () => {
  test.each(situationNames)(
    '%s comes to its headline, which the inspector has, and leaves nothing behind at Ctrl-C',
    async (name) => {
      const fresh = await db.fresh();
      const shop = startShop({ args: ['--show', name], databaseUrl: fresh.url });
      const url = await inspectorOf(shop);
      const [sentence, code] = ends[name];
      await shows(url, sentence);
      expect(await findBarriersNow(url, sentence)).toEqual([]);
      shop.kill('SIGINT');
      expect(await shop.ended).toEqual({ code, signal: null });
      const { rows } = await fresh.query(
        'SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
      expect(rows).toEqual([]);
    },
  );

  test('prints the error with the place in the file, and stays', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--show', 'failed'], databaseUrl: fresh.url });
    await shop.prints(/The inspector stays open until Ctrl-C/);
    // The error and that line go to different streams.
    await shop.prints(/interval '1 year'\n.*\^/);
    expect(shop.output).toContain(
      "5 | SET expires_at = create_at + interval '1 year'\n        |                  ^",
    );
    const page = await fetch(await inspectorOf(shop));
    expect(page.status).toBe(200);
    shop.kill('SIGTERM');
    expect(await shop.ended).toEqual({ code: 0, signal: null });
  });
});

describe('npm run demo', () => {
  test('with --plugins boots a generated backend, and stops it at Ctrl-C', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--plugins', '30'], databaseUrl: fresh.url });
    await shows(await inspectorOf(shop), /All 30 plugins are up after /);
    shop.kill('SIGINT');
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    expect(shop.output).toMatch(/✔ accounts-store +stopped/);
  });

  test('with --slow takes seconds for each phase, and serves the shop beside its inspector', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--slow'], databaseUrl: fresh.url });
    await shows(await inspectorOf(shop), /All 12 plugins are up after /);
    const [, shopUrl = ''] = await shop.prints(/The shop is open: (\S+)\n.*Ctrl-C/);
    expect((await fetch(`${shopUrl}/readyz`)).status).toBe(200);
    shop.kill('SIGINT');
    expect(await shop.ended).toEqual({ code: 0, signal: null });
  });

  test('with --once opens no inspector', async () => {
    const fresh = await db.fresh();
    const shop = startShop({ args: ['--once'], databaseUrl: fresh.url });
    expect(await shop.ended).toEqual({ code: 0, signal: null });
    expect(shop.output).not.toContain('inspector');
  });
});

async function inspectorOf(shop: ShopProcess): Promise<string> {
  const [, url = ''] = await shop.prints(/inspector shows this boot:\n +(http:\S+)\n/);
  return url;
}

/** Looks at the page with axe while the situation lasts. Without Chromium there is nothing to look at. */
async function findBarriersNow(url: string, sentence: RegExp): Promise<readonly string[]> {
  if (!chromium) return [];
  const page = await browser.open(url, { expected: /net::ERR_/ });
  await page.getByRole('heading', { level: 1, name: sentence }).waitFor();
  return findBarriers(page);
}

/** Reads the recording from the inspector as the page does, until the headline is the one that is expected. */
async function shows(url: string, sentence: RegExp): Promise<void> {
  const leave = new AbortController();
  const { body } = await fetch(url.replace('/?', '/events?'), { signal: leave.signal });
  const lines: string[] = [];
  let rest = '';
  let seen = '';
  for await (const text of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const parts = `${rest}${text}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.flatMap((part) => /^data: (\{.*)/.exec(part)?.[1] ?? []));
    if (lines.length < 2) continue;
    seen = headline(await readStory(lines));
    if (!sentence.test(seen)) continue;
    leave.abort();
    return;
  }
  throw new Error(`The inspector never showed ${sentence}, but ${seen}`);
}
