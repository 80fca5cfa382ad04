import { describe, expect, it } from 'vitest';
import { findings, readStory, whatIf } from '../../src/insight.ts';
import { exportHtml } from '../../src/inspector.ts';
import { chromium, useBrowser } from '../support/browser.ts';

const recording = new URL('../../docs/examples/insight/after.jsonl', import.meta.url);
const story = await readStory(recording);
const view = { hash: 'view=findings' };

describe.skipIf(!chromium)('the findings of the page', () => {
  const browser = useBrowser();

  it('are those of findings(), with links to their plugins', async () => {
    const page = await browser.openHtml(exportHtml(story), view);
    const panel = page.getByRole('tabpanel');
    for (const { title } of findings(story))
      await panel.getByRole('heading', { name: title }).waitFor();
    await panel.getByRole('button', { name: 'suggest' }).first().click();
    await page
      .getByRole('complementary', { name: 'Details' })
      .getByRole('heading', { name: 'suggest' })
      .waitFor();
  });

  it('are none at a moment when there is nothing to say', async () => {
    const page = await browser.openHtml(exportHtml(story), { hash: 'view=findings&at=0' });
    await page.getByText('Nothing is worth a look.').waitFor();
  });

  it('calculate how long the boot would take with other slots', async () => {
    const page = await browser.openHtml(exportHtml(story), view);
    await page.getByRole('spinbutton', { name: 'to start' }).fill('1');
    const { savedMs } = whatIf(story, { initConcurrency: 1 });
    const change = savedMs > 0 ? 'less' : 'more';
    await page.getByRole('status').filter({ hasText: change }).waitFor();
  });

  it('save the recording, which reads as the same boot', async () => {
    const page = await browser.openHtml(exportHtml(story), { ...view, acceptDownloads: true });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save the recording' }).click(),
    ]);
    const saved = await readStory(await download.path());
    expect(saved.events).toEqual(story.events);
  });
});
