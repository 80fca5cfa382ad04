import { expect, test } from 'vitest';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { everything, pluginOf, shopWith } from '../support/rehearsals.ts';
import { untilFound } from '../support/server-sessions.ts';
import { startTurnstile } from '../support/turnstile.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** More than enough for a rehearsal of these files. */
const mostRequests = 100;

test('a rehearsal that breaks before or after any of its messages leaves nothing', async () => {
  const fresh = await db.fresh();
  const shop = await shopWith(bootUnderTest, fresh.url, {
    '0001_total': 'ALTER TABLE orders ALTER COLUMN total TYPE bigint; UPDATE orders SET total = 0;',
    '0002_new': 'CREATE TABLE lines (id serial PRIMARY KEY);',
  });
  const other = await pluginOf('other', { '0000_a': 'CREATE TABLE a ();' }, { after: ['shop'] });
  const before = await everything(fresh);
  let stops = 0;
  for (const when of ['before', 'after'] as const) {
    for (let request = 1; request <= mostRequests; request += 1) {
      await using turnstile = await startTurnstile(fresh.url);
      const stopped = turnstile.stopAt({ request, when });
      const { boot } = bootUnderTest({
        pool: turnstile.url,
        plugins: [shop, other],
        connect: { wait: 0 },
      });
      const ended = boot.plan({ rehearse: true }).then(
        () => 'done' as const,
        () => 'failed' as const,
      );
      const first = await Promise.race([ended, stopped]);
      if (typeof first === 'string') break;
      first.reset();
      await ended;
      await untilFound(
        fresh,
        `SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend')`,
      );
      stops += 1;
    }
    // What one of them had left, none of the later ones would have removed.
    expect(await everything(fresh)).toEqual(before);
  }
  expect(stops).toBeGreaterThan(20);
});
