import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { readStory } from '../../src/insight.ts';
import { exportHtml } from '../../src/inspector.ts';
import { chromium, findBarriers, useBrowser } from '../support/browser.ts';
import { stage, tell, tellMany } from '../insight/exports/stories.ts';

const file = new URL('../../docs/examples/insight/before.jsonl', import.meta.url);
const recording = (await readFile(file, 'utf8')).trim().split('\n');
const html = exportHtml(await readStory(recording));

/** The names of the states or plugins that have a class. */
const listNodes = (page: Page, selector: string): Promise<readonly (string | null)[]> =>
  page.locator(selector).evaluateAll((all) => all.map((each) => each.getAttribute('data-node')));
const readFocus = (page: Page): Promise<string | null | undefined> =>
  page.evaluate('document.activeElement?.getAttribute("data-node")');

describe.skipIf(!chromium)('the machines of the page', () => {
  const browser = useBrowser();

  it('are lit where they are at the moment that is shown', async () => {
    const page = await browser.openHtml(html, { hash: 'view=machines&at=1000' });
    expect(await listNodes(page, '.machine-state.is-lit')).toEqual([
      'boot launching',
      'launch migrateAll',
      'migrateAll migrating',
    ]);
    expect(await page.getByRole('heading', { name: 'initAll' }).textContent()).toBe(
      'initAll in launch.initAll: not begun',
    );
    expect(await findBarriers(page)).toEqual([]);
  });

  it('name the event of each transition that was taken, and how each machine ended', async () => {
    const page = await browser.openHtml(html, { hash: 'view=machines' });
    expect(await page.locator('.machines-event').allTextContents()).toEqual(
      expect.arrayContaining(['START', 'done.migrateAll', 'done.initAll', 'STOP', 'done.stopAll']),
    );
    expect(await listNodes(page, '.machine-state.is-lit')).toEqual([]);
    expect(await listNodes(page, '.machine-state.is-ended')).toEqual([
      'boot stopped',
      'launch launched',
      'migrateAll settled',
      'initAll settled',
      'stopAll settled',
    ]);
  });

  it('show the times, the actions and the guards of a state that has the focus; Escape hides them', async () => {
    const page = await browser.openHtml(html, { hash: 'view=machines' });
    await page.locator('[data-node="launch migrateAll"]').focus();
    const card = page.locator('#machine-card');
    expect(await card.textContent()).toMatch(/Entered at 78ms, left after 1\.84s\./);
    expect(await card.textContent()).toContain('isDone and isFarEnough');
    await page.keyboard.press('ArrowRight');
    expect(await readFocus(page)).toBe('launch initAll');
    await page.keyboard.press('ArrowDown');
    expect(await readFocus(page)).toMatch(/^launch (?:migrated|launched)$|^migrateAll /);
    await page.keyboard.press('Escape');
    expect(await card.count()).toBe(0);
    expect(await findBarriers(page)).toEqual([]);
  });

  it('say so when the recording has no records of them', async () => {
    const story = await tell(stage([{}]));
    const page = await browser.openHtml(exportHtml(story), { hash: 'view=machines' });
    expect(await page.locator('#view').textContent()).toContain('no records of the machines');
  });
});

describe.skipIf(!chromium)('the graph of the page', () => {
  const browser = useBrowser();

  it('is one tab stop: arrow keys go along the edges, and Enter selects for all views', async () => {
    const page = await browser.openHtml(html, { hash: 'view=graph&plugin=auth' });
    const nodes = page.locator('.graph-node');
    expect(await nodes.count()).toBe(6);
    expect(await listNodes(page, '.graph-node[tabindex="0"]')).toEqual(['auth']);
    await page.getByRole('tab', { name: 'Graph' }).focus();
    // The pane itself takes the focus only when it can be scrolled.
    await page.keyboard.press('Tab');
    expect(await readFocus(page)).toBe('auth');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    expect(await readFocus(page)).toBe('billing');
    expect(new URL(page.url()).hash).toContain('plugin=auth');
    await page.keyboard.press('Enter');
    await page.waitForURL(/plugin=billing/);
    expect(await listNodes(page, '.graph-node[aria-pressed="true"]')).toEqual(['billing']);
    expect(await readFocus(page)).toBe('billing');
    expect(await findBarriers(page)).toEqual([]);
  });

  it('has the reason of every edge of the selected plugin', async () => {
    const page = await browser.openHtml(html, { hash: 'view=graph&plugin=catalog' });
    expect(await page.locator('.graph-reasons li').allTextContents()).toEqual([
      'auth: catalog needs auth.api from auth',
      'billing: billing comes after catalog',
    ]);
    await page.locator('.graph-reasons button').first().focus();
    expect(await page.locator('.graph-reason').textContent()).toBe(
      'catalog needs auth.api from auth',
    );
  });

  it('stands still while the boot runs', async () => {
    const page = await browser.openHtml(html, { hash: 'view=graph&plugin=catalog&at=300' });
    const measure = (): Promise<readonly (string | null)[]> =>
      page
        .locator('.graph-node')
        .evaluateAll((all) => all.map((each) => each.getAttribute('style')));
    const first = await measure();
    for (const ms of [1_000, 2_100, 2_400]) {
      await page.evaluate(`location.hash = 'view=graph&plugin=catalog&at=${ms}'`);
      await expect.poll(() => page.locator('.graph-node').count()).toBe(6);
      expect(await measure()).toEqual(first);
    }
  });

  it('has the neighbourhood of one of 300 plugins, says what is hidden, and goes on to a neighbour', async () => {
    const page = await browser.openHtml(exportHtml(await tellMany(300)), {
      hash: 'view=graph&plugin=p150',
    });
    expect(await page.locator('.graph-node').count()).toBeLessThanOrEqual(60);
    expect(await page.locator('.graph-key').textContent()).toMatch(
      /of 300 plugins, .* \d+ are hidden: select a neighbour to go on\./,
    );
    await page.locator('.graph-reasons button', { hasText: 'p149' }).click();
    expect(await listNodes(page, '.graph-node[aria-pressed="true"]')).toEqual(['p149']);
    await expect(page.locator('[data-node="p149"]').isVisible()).resolves.toBe(true);
  });
});
