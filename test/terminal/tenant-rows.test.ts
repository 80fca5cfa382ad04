import { expect, test } from 'vitest';
import { createLiveOutput, definePlugin } from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { createTerminal } from '../support/terminal.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

test('the rows of the live output count the tenants of a plugin, whose files run side by side', async () => {
  const terminal = createTerminal({ columns: 100, rows: 30 });
  const gate = deferred();
  let begun = 0;
  const shop = definePlugin({
    id: 'shop',
    migrations: [
      {
        name: '0000_orders',
        run: async () => {
          begun += 1;
          if (begun === 2) await gate.promise;
        },
      },
    ],
    tenants: () => Array.from({ length: 50 }, (_, at) => `customer-${at}`),
  });
  const { boot } = bootUnderTest({
    pool: db.url,
    plugins: [shop],
    migrations: { concurrency: 1 },
  });
  boot.onAny(createLiveOutput({ stream: terminal, colors: false, live: true }));
  const started = boot.start();
  await terminal.shows(
    /shop +\d+\.\ds {2}1 of 50 tenants migrated, now customer-\d+: 0000_orders/m,
  );
  gate.resolve();
  await started;
  const last = terminal.pictures.at(-1) ?? '';
  expect(last).toMatch(/✔ shop {2}50 tenants/);
  // Its size is that of the plugins.
  expect(last).not.toContain('customer-');
  expect(last.split('\n').length).toBeLessThan(30);
});
