import { expect, describe, it, onTestFinished, vi } from 'vitest';
import { definePlugin } from '../../src/index.ts';
import { createInspector } from '../../src/inspector.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { chromium, useBrowser } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';

vi.setConfig({ testTimeout: 240_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const count = 300;
const statements = 48;

/** Plugins in layers. Each runs so many statements that all of them together emit 30,000 events. */
function manyPlugins() {
  return Array.from({ length: count }, (_, at) =>
    definePlugin({
      id: `plugin-${at}`,
      after: at < 30 ? [] : [`plugin-${at - 30}`],
      migrations: [
        {
          name: '0001_fill',
          async run(client) {
            for (let statement = 0; statement < statements; statement += 1) {
              await client.query('SELECT 1');
            }
          },
        },
      ],
      init() {},
    }),
  );
}

describe.skipIf(!chromium)('the page of a large boot', () => {
  const browser = useBrowser();

  it('answers clicks and stays small while 300 plugins send 30,000 events', async () => {
    const { boot } = bootUnderTest({ pool: db.url, plugins: manyPlugins() });
    const inspector = await createInspector(boot);
    onTestFinished(() => inspector.close());
    const page = await browser.open(inspector.url);
    const started = boot.start();
    const third = new Promise<void>((resolve) => {
      let left = count / 3;
      boot.on('plugin.migrate.finished', () => {
        left -= 1;
        if (left === 0) resolve();
      });
    });
    await third;
    const details = page.getByRole('complementary', { name: 'Details' });
    for (const plugin of ['plugin-101', 'plugin-202', 'plugin-299']) {
      await page.getByPlaceholder(/^Filter/).fill(plugin);
      await page.getByRole('table').getByText(plugin, { exact: true }).first().click();
      await details.getByRole('heading', { name: plugin }).waitFor();
    }
    expect(boot.state().outcome).toBeUndefined();
    await started;
    await page.getByRole('heading', { level: 1, name: `All ${count} plugins are up` }).waitFor();
    expect(boot.events.length).toBeGreaterThan(30_000);
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click();
      expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(
        5_000,
      );
    }
    const used = await page.evaluate<number>('performance.memory.usedJSHeapSize');
    expect(used).toBeLessThan(250 * 1024 * 1024);
  });
});
