import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { definePlugin } from '../../src/index.ts';
import { readStory } from '../../src/insight.ts';
import { parseRecording } from '../../src/insight/parse-recording.ts';
import { createInspector, exportHtml } from '../../src/inspector.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { chromium, useBrowser } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const recording = new URL('../../docs/examples/insight/after.jsonl', import.meta.url);
const html = exportHtml(await readStory(recording));
const log = { hash: 'view=log' };

const rows = (page: Page) => page.getByRole('tabpanel').getByRole('row');

/** A boot of which the heartbeat is heard 30,000 times. */
async function writeLongBoot(): Promise<string> {
  const lines = (await readFile(recording, 'utf8')).trimEnd().split('\n');
  const events = lines.filter((line) => !line.includes('"type":"machine.'));
  const beat = { type: 'boot.warning', message: 'the same again' };
  const beats = Array.from({ length: 30_000 }, (_, index) =>
    JSON.stringify({ seq: 1_000 + index, t: 5_000 + index, ...beat }),
  );
  return exportHtml(parseRecording([...events, ...beats]));
}

describe.skipIf(!chromium)('the log of the page', () => {
  const browser = useBrowser();

  it('shows the last events first, and marks failures by a word', async () => {
    const page = await browser.openHtml(html, log);
    await rows(page).filter({ hasText: 'boot.stopped' }).waitFor();
    await page.getByLabel('Kind of events').selectOption('Warnings and errors');
    await rows(page)
      .filter({ hasText: /⚠ warning failed after .*: search failed to start/ })
      .waitFor();
    expect(await rows(page).filter({ hasText: 'boot.stopped' }).count()).toBe(0);
  });

  it('finds events by a text, and those of the selected plugin', async () => {
    const page = await browser.openHtml(html, { hash: 'view=log&plugin=catalog' });
    await page.getByRole('searchbox', { name: 'Text' }).fill('CREATE TABLE');
    await page.getByRole('checkbox', { name: 'only catalog' }).check();
    await rows(page).filter({ hasText: '0000_items.sql: statement 1' }).waitFor();
    expect(await rows(page).filter({ hasText: 'auth' }).count()).toBe(0);
  });

  it('opens an event as JSON, and goes to its moment', async () => {
    const page = await browser.openHtml(html, log);
    await page.getByRole('searchbox', { name: 'Text' }).fill('held by');
    await page
      .getByRole('button', { name: /has waited .* for its lock/ })
      .first()
      .click();
    const event = page.getByRole('region', { name: 'The whole event' });
    await event.getByText('"applicationName": "slipway/catalog@pod-2"').waitFor();
    await event.getByRole('button', { name: 'Close' }).click();
    await event.waitFor({ state: 'detached' });
    await rows(page)
      .getByRole('button', { name: /^\d+\.\d{3}s$/ })
      .first()
      .click();
    expect(page.url()).toMatch(/#view=log&at=\d+$/);
    await page.getByRole('heading', { level: 1, name: /^catalog waits/ }).waitFor();
  });

  it('draws only the rows in sight of 30,000 events, and reaches each of them', async () => {
    const page = await browser.openHtml(await writeLongBoot(), log);
    await page.getByText(/^30083 of 30083 events$/).waitFor();
    await rows(page).filter({ hasText: '34.999s' }).waitFor();
    expect(await rows(page).count()).toBeLessThan(80);
    await page.locator('.rows-box').evaluate((box) => box.scrollTo(0, 0));
    await rows(page).filter({ hasText: 'boot.started' }).waitFor();
    expect(await rows(page).count()).toBeLessThan(80);
  });

  it('follows the end of a boot that runs, but never takes the reader away from another place', async () => {
    const gate = deferred();
    const auth = definePlugin({ id: 'auth', init: () => gate.promise });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [auth] });
    const inspector = await createInspector(boot);
    onTestFinished(() => inspector.close());
    const page = await browser.open(inspector.url, {
      ...log,
      viewport: { width: 1024, height: 420 },
    });
    const started = boot.start();
    await rows(page).filter({ hasText: 'plugin.init.started' }).waitFor();
    gate.resolve();
    await started;
    await rows(page).filter({ hasText: 'boot.finished' }).waitFor();
    const box = page.locator('.rows-box');
    const measure = (element: { scrollHeight: number; scrollTop: number; clientHeight: number }) =>
      element.scrollHeight - element.scrollTop - element.clientHeight;
    await expect.poll(() => box.evaluate(measure)).toBeLessThan(2);
    await box.evaluate((element) => element.scrollTo(0, 0));
    await rows(page).filter({ hasText: 'boot.started' }).waitFor();
    await boot.stop();
    await page.getByText('ready, stopped').waitFor();
    const { length } = boot.events;
    await page.getByText(`${length} of ${length} events`).waitFor();
    expect(await box.evaluate((element) => element.scrollTop)).toBe(0);
  });
});
