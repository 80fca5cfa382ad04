import { expect, describe, it, onTestFinished, vi } from 'vitest';
import { createInspector } from '../../src/inspector.ts';
import { busyPlugins } from '../support/busy-plugins.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { chromium, openViews, useBrowser } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';

vi.setConfig({ testTimeout: 240_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const count = 300;
describe.skipIf(!chromium)('the page of a large boot', () => {
  const browser = useBrowser();

  it('answers clicks and stays small while 300 plugins send 30,000 events', async () => {
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: busyPlugins({ count, statements: 48 }),
    });
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
    for await (const _ of openViews(page)) {
      expect(await page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(
        5_000,
      );
    }
    const used = await page.evaluate<number>('performance.memory.usedJSHeapSize');
    expect(used).toBeLessThan(250 * 1024 * 1024);
  });
});
