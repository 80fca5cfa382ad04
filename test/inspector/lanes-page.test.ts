import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { storyOf, type Story } from '../../src/insight.ts';
import { exportHtml } from '../../src/inspector.ts';
import { runStaged } from '../insight/staged-boot.ts';
import { stageBoot } from '../insight/staged-plan.ts';
import { chromium, useBrowser } from '../support/browser.ts';
import { runLargeBoot } from './large-boot.ts';

const optional = { required: false, files: [[5, 20], [40]] };
const failing = stageBoot(
  { initMs: 300 },
  { ...optional, init: 'failed' },
  { ...optional, needs: [1] },
  { initMs: 120 },
  { ...optional, needs: [2] },
);

const row = (page: Page, name: string) => page.locator(`tr[data-plugin="${name}"]`);
const selected = (page: Page, name: string) =>
  page.locator(`tr[data-plugin="${name}"][aria-current="true"]`);

describe.skipIf(!chromium)('the lanes of a boot', () => {
  const browser = useBrowser();
  let html = '';
  beforeAll(async () => {
    html = exportHtml(storyOf(await runStaged(failing)));
  });

  it('are a table with a row for the critical chain and for each plugin', async () => {
    const page = await browser.openHtml(html);
    const table = page.getByRole('table', { name: 'Plugins' });
    await table.getByRole('row', { name: /^Critical chain/ }).waitFor();
    await table.getByRole('row', { name: /^p0 is up .*init 300ms/ }).waitFor();
    await table.getByRole('row', { name: /^p1 failed to start .*failed/ }).waitFor();
    await row(page, 'p1').getByText('✕ init failed').waitFor();
  });

  it('unfold the plugins that did not start because of another one', async () => {
    const page = await browser.openHtml(html);
    const fold = page.getByRole('button', { name: '2 others did not start' });
    expect(await row(page, 'p2').count()).toBe(0);
    await fold.click();
    await row(page, 'p4').waitFor();
    expect(await fold.getAttribute('aria-expanded')).toBe('true');
    await fold.press('Enter');
    await row(page, 'p4').waitFor({ state: 'detached' });
  });

  it('go from row to row by the keys, with one stop of the tab key', async () => {
    const page = await browser.openHtml(html);
    await row(page, 'p0').click();
    await selected(page, 'p0').waitFor();
    expect(await page.locator('.lane-rows [tabindex="0"]').count()).toBe(1);
    await row(page, 'p0').getByRole('button').focus();
    const goTo = async (key: string, name: string): Promise<void> => {
      await page.keyboard.press(key);
      await selected(page, name).locator('button:focus').waitFor();
      expect(await page.locator('.lane-rows [tabindex="0"]').count()).toBe(1);
    };
    await goTo('ArrowDown', 'p1');
    // The fold has the focus as well, but it is no plugin.
    await page.keyboard.press('ArrowDown');
    await page.locator('button[aria-expanded]:focus').waitFor();
    await goTo('ArrowDown', 'p3');
    await goTo('Home', 'p0');
    await goTo('End', 'p3');
    await page.waitForURL(/plugin=p3/);
  });

  it('show the plugin of a link though it is in a fold', async () => {
    const page = await browser.openHtml(html, { hash: 'plugin=p4' });
    await selected(page, 'p4').waitFor();
  });

  describe('of 300 plugins and 30,000 events', () => {
    let large = '';
    let story: Story;
    beforeAll(async () => {
      story = await runLargeBoot(300);
      large = exportHtml(story);
    });
    const countNodes = (page: Page) => page.locator('*').count();

    it('keep few elements, wherever the reader scrolls', async () => {
      expect(story.events.length).toBeGreaterThan(30_000);
      const page = await browser.openHtml(large);
      await row(page, 'p0').waitFor();
      expect(await page.getByRole('table', { name: 'Plugins' }).getAttribute('aria-rowcount')).toBe(
        '302',
      );
      for (const [top, name] of [
        [3_900, 'p150'],
        [1e6, 'p299'],
        [0, 'p0'],
      ] as const) {
        await page.evaluate(`document.querySelector('.lanes-scroll').scrollTop = ${top}`);
        await row(page, name).waitFor();
        expect(await page.locator('.lane-rows tr').count()).toBeLessThan(70);
        expect(await countNodes(page)).toBeLessThan(4_000);
      }
      await page.setViewportSize({ width: 1920, height: 1080 });
      await expect.poll(() => page.locator('.lane-rows tr').count()).toBeGreaterThan(40);
      expect(await countNodes(page)).toBeLessThan(6_000);
    });

    it('keep the row that the boot is about in view, and the one that has the focus', async () => {
      const page = await browser.openHtml(large, { hash: 'at=6000' });
      const current = page.locator('tr[aria-current="true"]');
      await current.waitFor();
      await expect.poll(() => isSeen(page)).toBe(true);
      await current.getByRole('button').focus();
      await page.keyboard.press('End');
      await selected(page, 'p299').locator('button:focus').waitFor();
      await expect.poll(() => isSeen(page)).toBe(true);
      await page.evaluate(`document.querySelector('.lanes-scroll').scrollTop = 0`);
      await row(page, 'p0').waitFor();
      await selected(page, 'p299').locator('button:focus').waitFor({ state: 'attached' });
    });

    it('can be filtered by name', async () => {
      const page = await browser.openHtml(large);
      await page.getByRole('searchbox', { name: 'Filter plugins by name' }).fill('29');
      await row(page, 'p0').waitFor({ state: 'detached' });
      await row(page, 'p129').waitFor();
      expect(await page.locator('.lane-rows tr[data-plugin]').count()).toBe(13);
      await page.getByRole('searchbox').fill('no such name');
      await page.getByText('No plugin has this name').waitFor();
    });
  });
});

/** Whether the row of the selected plugin is in the part of the list that is not covered. */
function isSeen(page: Page): Promise<boolean> {
  return page.evaluate(`(() => {
    const row = document.querySelector('tr[aria-current]').getBoundingClientRect();
    const chain = document.querySelector('tbody.chain').getBoundingClientRect();
    const list = document.querySelector('.lanes-scroll').getBoundingClientRect();
    return row.top >= chain.bottom - 1 && row.bottom <= list.bottom + 1;
  })()`);
}
