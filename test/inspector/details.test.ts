import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createBoot, definePlugin, serviceRef } from '../../src/index.ts';
import { readStory, storyOf } from '../../src/insight.ts';
import { stage, tell } from '../insight/exports/stories.ts';
import { parseRecording } from '../../src/insight/parse-recording.ts';
import { exportHtml } from '../../src/inspector.ts';
import { chromium, findBarriers, openView, useBrowser } from '../support/browser.ts';

const recording = new URL('../../docs/examples/insight/after.jsonl', import.meta.url);
const html = exportHtml(await readStory(recording));
const lines = (await readFile(recording, 'utf8')).trimEnd().split('\n');

const details = (page: Page) => page.getByRole('complementary', { name: 'Details' });

describe.skipIf(!chromium)('the details of a plugin', () => {
  const browser = useBrowser();

  it('name the session that holds the lock, from each plugin that waits for it', async () => {
    const page = await browser.openHtml(html, { hash: 'at=1000&plugin=billing' });
    const pane = details(page);
    await pane.getByRole('heading', { name: 'billing' }).waitFor();
    const causes = pane.getByRole('listitem');
    await causes.filter({ hasText: /^billing waits .* for catalog$/ }).waitFor();
    await causes.filter({ hasText: 'Another process holds the lock' }).waitFor();
    for (const fact of ['slipway/catalog@pod-2', '127.0.0.1', /^idle in transaction for/]) {
      await pane.getByText(fact, { exact: true }).waitFor();
    }
    await pane.getByRole('button', { name: 'catalog' }).first().click();
    await pane.getByRole('heading', { name: 'catalog' }).waitFor();
    await pane.getByText('waits for its lock').first().waitFor();
  });

  it('show the statement that runs, and how many files are applied', async () => {
    const page = await browser.openHtml(html, { hash: 'at=2000&plugin=catalog' });
    const pane = details(page);
    await pane.getByText('0001_backfill.sql (2 of 2)').waitFor();
    await pane.getByText('INSERT INTO', { exact: true }).waitFor();
    await pane.getByRole('progressbar', { name: '1 of 2 files applied' }).waitFor();
  });

  it('are about the plugin that the boot failed by, with its error, and the others it took along', async () => {
    const page = await browser.openHtml(html);
    const pane = details(page);
    await pane.getByRole('heading', { name: 'search' }).waitFor();
    await pane.getByText(/^search failed to start: connect ECONNREFUSED 10.0.0.9:9200$/).waitFor();
    await pane.getByText('INIT_FAILED').waitFor();
    await pane.getByText('1 other did not start because of it').waitFor();
    await pane.getByRole('button', { name: 'suggest' }).first().click();
    await pane.getByRole('heading', { name: 'Error of search' }).waitFor();
  });

  it('show the problems of a boot that failed before anything ran', async () => {
    const api = serviceRef<string>('auth.api');
    const billing = definePlugin({ id: 'billing', deps: { api }, init() {} });
    const boot = createBoot({ pool: 'postgresql://127.0.0.1:1/none', plugins: [billing] });
    await boot.start().catch(() => {});
    const page = await browser.openHtml(exportHtml(storyOf(boot)));
    const pane = details(page);
    await pane.getByRole('heading', { name: 'The boot' }).waitFor();
    await pane.getByText('billing needs auth.api, which is not provided').waitFor();
    await pane.getByText(/^Add the plugin that provides it/).waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  it('say of a boot that only migrates what was migrated, and that nothing was meant to start', async () => {
    const boot = stage([{ files: [[10], [10]] }, { needs: [0] }], { until: 'migrated' });
    const page = await browser.openHtml(exportHtml(await tell(boot)), { hash: 'plugin=p0' });
    const pane = details(page);
    await pane.getByRole('heading', { name: 'p0' }).waitFor();
    await pane.getByText('✓ is migrated after').waitFor();
    await pane
      .getByText(/^p0 is migrated: 2 files applied in 20ms .*and was not meant to start plugins$/)
      .waitFor();
    expect(await page.getByText('did not start').count()).toBe(0);
    expect(await page.getByText('notReached').count()).toBe(0);
    expect(await findBarriers(page)).toEqual([]);
  });

  it('show hostile texts as they are, and stay as wide as they were', async () => {
    const hostile = `<img src=x onerror=alert(1)></script><script>alert(2)</script>\u202Egpj\u001B[2J ${'x'.repeat(9_000)}`;
    const escaped = JSON.stringify(hostile).slice(1, -1);
    const dirty = lines.map((line) =>
      line.replaceAll('connect ECONNREFUSED 10.0.0.9:9200', () => escaped),
    );
    const page = await browser.openHtml(exportHtml(parseRecording(dirty)));
    const pane = details(page);
    const start = String.raw`search failed to start: <img src=x onerror=alert(1)></script><script>alert(2)</script>\u202egpj\x1b[2J xxx`;
    await pane.getByText(start).first().waitFor();
    const [inner, outer] = await pane.evaluate((element) => [
      element.scrollWidth,
      element.clientWidth,
    ]);
    expect(inner).toBe(outer);
    for (const name of ['Log', 'Findings']) {
      const view = await openView(page, page.getByRole('tab', { name }));
      const widths = await view.evaluate((element) => [element.scrollWidth, element.clientWidth]);
      expect(widths[0]).toBe(widths[1]);
    }
    expect(await findBarriers(page)).toEqual([]);
  });
});
