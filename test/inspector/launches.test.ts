import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { definePlugin } from '../../src/index.ts';
import { readStory, storyOf } from '../../src/insight.ts';
import { createInspector, exportHtml } from '../../src/inspector.ts';
import { useBoots, type BootUnderTest } from '../support/boot-under-test.ts';
import { chromium, findBarriers, openViews, useBrowser } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { firstPlugins, grow, recordLines } from '../support/growing-boot.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();
const given = (): BootUnderTest => bootUnderTest({ pool: db.url, plugins: firstPlugins });

const choice = (page: Page, name: string | RegExp) => page.getByRole('radio', { name });
const untilHeadline = (page: Page, name: RegExp): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor();

describe.skipIf(!chromium)('the page of a boot whose plugins come and go', () => {
  const browser = useBrowser();

  it('shows each launch as a boot of its own, when the reader chooses it', async () => {
    const underTest = given();
    await grow(underTest);
    await underTest.boot.stop();
    const page = await browser.openHtml(exportHtml(storyOf(underTest.boot)));
    const rows = page.locator('tr[data-plugin]');
    expect(await rows.count()).toBe(2);
    expect(await page.getByRole('radio').count()).toBe(3);
    await page.getByText('removed: audit').waitFor();
    await rows.filter({ hasText: 'audit' }).getByText('was removed').waitFor();
    await choice(page, /^Launch 2: reviews and stars/).check();
    await untilHeadline(page, /^All 2 plugins are up/);
    await rows.filter({ hasText: 'stars' }).waitFor();
    expect(await rows.count()).toBe(2);
    // The keyboard goes on to the next one.
    await page.keyboard.press('ArrowRight');
    await untilHeadline(page, /^The launch failed after .*: broken failed to start: no light/);
    await page.getByText('failed, stopped').waitFor();
    expect(new URL(page.url()).hash).toBe('#launch=3');
    // A plugin that was up before is muted in the graph, and leads to its own.
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.locator('[data-node=auth]').filter({ hasText: 'was up before' }).click();
    await untilHeadline(page, /^All 2 plugins are up/);
    await page.getByRole('heading', { level: 2, name: /^auth/ }).waitFor();
    expect(await choice(page, /^Boot/).isChecked()).toBe(true);
  });

  it('shows a moment of a launch, and keeps the launch when it is loaded again', async () => {
    const underTest = given();
    await grow(underTest);
    const html = exportHtml(storyOf(underTest.boot));
    const page = await browser.openHtml(html, { hash: 'launch=2&at=0' });
    await page.getByText('A moment of the past').waitFor();
    await page.getByText('launching').first().waitFor();
    await page.getByRole('button', { name: 'To the end' }).click();
    await untilHeadline(page, /^All 2 plugins are up/);
    expect(await choice(page, /^Launch 2/).isChecked()).toBe(true);
  });

  it('follows a launch that runs, and draws the state of the changes', async () => {
    const underTest = given();
    const { boot } = underTest;
    const inspector = await createInspector(boot);
    onTestFinished(() => inspector.close());
    const page = await browser.open(inspector.url, { hash: 'view=machines' });
    await boot.start();
    await untilHeadline(page, /^All 2 plugins are up/);
    expect(await page.getByRole('radio').count()).toBe(0);
    const gate = deferred();
    const adding = boot.add(definePlugin({ id: 'slow', init: () => gate.promise }));
    await choice(page, /^Launch 2: slow.*launching/).waitFor();
    const changes = page.getByRole('region', { name: 'Machine changes' });
    await changes.getByRole('button', { name: /^launching .*current state$/ }).waitFor();
    await page.getByRole('region', { name: 'Machine launch' }).getByText('run 2').waitFor();
    await choice(page, /^Launch 2/).check();
    await untilHeadline(page, /^slow starts: its init has run/);
    gate.resolve();
    await adding;
    await untilHeadline(page, /^slow is up/);
    await boot.remove('slow');
    await choice(page, /^Launch 2: slow.*removed/).waitFor();
    await changes.getByRole('button', { name: /^serving .*current state$/ }).waitFor();
  });

  it('lists all events with their launch, and goes to it', async () => {
    const underTest = given();
    await grow(underTest);
    const page = await browser.openHtml(exportHtml(storyOf(underTest.boot)), { hash: 'view=log' });
    await page.getByRole('searchbox').fill('launch 3');
    const failed = page.getByRole('row').filter({ hasText: 'plugin.init.finished' });
    expect(await failed.getByRole('cell').nth(1).textContent()).toBe('3');
    await failed.getByRole('button', { name: 'broken', exact: true }).click();
    await untilHeadline(page, /^The launch failed/);
  });

  it.each([{ colorScheme: 'light' }, { colorScheme: 'dark' }, { forcedColors: 'active' }] as const)(
    'has no barriers, with %j',
    async (look) => {
      const underTest = given();
      const readLines = recordLines(underTest);
      await grow(underTest);
      await underTest.boot.stop();
      const html = exportHtml(await readStory(readLines().split('\n')));
      const page = await browser.openHtml(html, { ...look, hash: 'launch=2' });
      for await (const view of openViews(page)) {
        expect(await findBarriers(page), await view.innerText()).toEqual([]);
      }
    },
  );
});
