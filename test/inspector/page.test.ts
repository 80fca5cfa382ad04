import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { readStory, type Story } from '../../src/insight.ts';
import { parseRecording } from '../../src/insight/parse-recording.ts';
import { exportHtml } from '../../src/inspector.ts';
import { stage, tell } from '../insight/exports/stories.ts';
import {
  chromium,
  findBarriers,
  openViews,
  useBrowser,
  type OpenOptions,
} from '../support/browser.ts';

const recording = new URL('../../docs/examples/insight/after.jsonl', import.meta.url);
const story: Story = await readStory(recording);
const html = exportHtml(story);
const ending = /^4 of 6 plugins are up after .*: suggest did not start because search failed/;

describe.skipIf(!chromium)('the page of a recording', () => {
  const browser = useBrowser();

  it('says in its headline how the boot ended', async () => {
    const page = await browser.openHtml(html);
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
    await page.getByText('degraded, stopped').waitFor();
    expect(await page.title()).toBe('! degraded · shop');
    expect(await page.getByRole('list', { name: 'Phases' }).getByRole('listitem').count()).toBe(6);
  });

  it('shows any moment of the boot, and comes back to its end', async () => {
    const page = await browser.openHtml(html);
    await page.getByRole('slider', { name: 'Moment of the boot' }).fill('345');
    await page
      .getByRole('heading', { level: 1, name: /^catalog waits .* for its migration lock/ })
      .waitFor();
    await page.getByText('A moment of the past').waitFor();
    await page.getByRole('button', { name: 'To the end' }).click();
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
  });

  it('says where the process ended, of a recording that is cut in the middle of a line', async () => {
    const whole = await readFile(recording, 'utf8');
    const lines = whole.slice(0, whole.indexOf('"plugin.init.started"') - 5).split('\n');
    const page = await browser.openHtml(exportHtml(await readStory(lines)));
    await page.getByRole('heading', { level: 1, name: /^The process ended here: / }).waitFor();
    await page.getByText('cut off').first().waitFor();
    await page.getByRole('list', { name: 'Phases' }).getByText('initAll').waitFor();
  });

  it.each([{ viewport: { width: 640, height: 400 } }, { viewport: { width: 400, height: 800 } }])(
    'has everything one below the other in a small window, with %j',
    async (look) => {
      const page = await browser.openHtml(html, { ...look, hash: 'plugin=catalog' });
      await page.getByRole('heading', { level: 2, name: 'catalog' }).scrollIntoViewIfNeeded();
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
      const [lanes, details] = [
        await page.getByRole('tabpanel').boundingBox(),
        await page.getByRole('complementary', { name: 'Details' }).boundingBox(),
      ];
      expect(details?.y).toBeGreaterThanOrEqual((lanes?.y ?? 0) + (lanes?.height ?? 0));
      expect(details?.height).toBeGreaterThan(200);
      expect(await findBarriers(page)).toEqual([]);
    },
  );

  it('has no barriers when all went well', async () => {
    const boot = stage([{}, { needs: [0] }]);
    const page = await browser.openHtml(exportHtml(await tell(boot)));
    await page.getByRole('heading', { level: 1, name: /^All 2 plugins are up/ }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  it('plays the boot again, from its beginning to its end', async () => {
    const page = await browser.openHtml(html);
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('heading', { level: 1, name: /^catalog waits/ }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
    await page.getByRole('button', { name: 'Play' }).waitFor();
  });

  it('is used by the keyboard alone, from the first tab to the moment that is shown', async () => {
    const page = await browser.openHtml(html);
    const { keyboard } = page;
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
    await tabTo(page, page.getByRole('tab', { name: 'Lanes' }));
    for (const view of ['Machines', 'Graph', 'Log', 'Findings']) {
      await keyboard.press('ArrowRight');
      await page.getByRole('tab', { name: view, selected: true }).waitFor();
    }
    await keyboard.press('Home');
    await page.getByRole('tab', { name: 'Lanes', selected: true }).waitFor();
    await tabTo(page, page.getByRole('table', { name: 'Plugins' }).getByRole('button'));
    await keyboard.press('Home');
    await page.getByRole('heading', { level: 2, name: 'auth' }).waitFor();
    await keyboard.press('ArrowDown');
    await page.getByRole('heading', { level: 2, name: 'catalog' }).waitFor();
    await tabTo(page, page.getByRole('slider', { name: 'Moment of the boot' }));
    await keyboard.press('Home');
    await page.getByText('A moment of the past').waitFor();
    await tabTo(page, page.getByRole('button', { name: 'To the end' }));
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
  });

  it('keeps view, plugin and moment in its address', async () => {
    const page = await browser.openHtml(html, { hash: 'view=log&plugin=billing&at=1000' });
    await page.getByRole('tab', { name: 'Log', selected: true }).waitFor();
    await page.getByRole('heading', { level: 1, name: /^catalog waits/ }).waitFor();
    await page.getByRole('tab', { name: 'Graph' }).click();
    await page.waitForURL(/#view=graph&plugin=billing&at=1000$/);
    await page.reload();
    await page.getByRole('tab', { name: 'Graph', selected: true }).waitFor();
  });

  it.each(['view=nonsense&plugin=nobody&at=-1', 'at=1e999', '%', 'plugin=__proto__'])(
    'shows the end of the boot for the address #%s',
    async (hash) => {
      const page = await browser.openHtml(html, { hash });
      await page.getByRole('heading', { level: 1, name: ending }).waitFor();
      await page.getByRole('tab', { name: 'Lanes', selected: true }).waitFor();
    },
  );

  it('shows what it knows of a recording that a newer Slipway has written', async () => {
    const [header = '', ...rest] = (await readFile(recording, 'utf8')).trimEnd().split('\n');
    const unknown = { seq: 0, t: 1, type: 'plugin.hibernated', plugin: 'nobody', depth: { m: 3 } };
    const newer = [header, JSON.stringify(unknown), ...rest].map((line) =>
      line.replace('"phase":"sort"', '"phase":"rank"').replace(/\}$/, ',"newer":{"field":[1]}}'),
    );
    const page = await browser.openHtml(exportHtml(parseRecording(newer)));
    await page.getByRole('heading', { level: 1, name: ending }).waitFor();
    for await (const view of openViews(page)) await view.locator('*').first().waitFor();
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('searchbox', { name: 'Text' }).fill('hibernated');
    await page.getByRole('cell', { name: 'plugin.hibernated', exact: true }).first().waitFor();
  });

  it('goes from one view to the next by the arrow keys', async () => {
    const page = await browser.openHtml(html);
    await page.getByRole('tab', { name: 'Lanes' }).focus();
    for (const name of ['Machines', 'Graph', 'Log', 'Findings', 'Lanes']) {
      await page.keyboard.press('ArrowRight');
      await page.locator(`[role=tab]:focus`, { hasText: name }).waitFor();
      await page.getByRole('tab', { name, selected: true }).waitFor();
    }
  });

  it('shows the chosen tab at once, and its view when that is built', async () => {
    const page = await browser.openHtml(html);
    const look = `[document.querySelector('[aria-selected=true]').id, document.querySelector('#view').getAttribute("aria-labelledby")]`;
    await page.getByRole('tab', { name: 'Lanes', selected: true }).waitFor();
    expect(
      await page.evaluate(`(document.querySelector('#tab-findings').click(), ${look})`),
    ).toEqual(['tab-findings', 'tab-lanes']);
    await page.getByRole('tabpanel', { name: 'Findings' }).waitFor();
  });

  const contrast = ['color-contrast', 'link-in-text-block'];
  it.each([
    { colorScheme: 'light', viewport: { width: 1024, height: 768 } },
    // All but the colours is the same as in the light.
    { colorScheme: 'dark', viewport: { width: 1280, height: 800 }, rules: contrast },
    { forcedColors: 'active', reducedMotion: 'reduce', rules: contrast },
  ] as const)(
    'has no barriers in any view, and never scrolls as a whole, with %j',
    async ({ rules, ...look }: OpenOptions & { readonly rules?: readonly string[] }) => {
      const page = await browser.openHtml(html, { ...look, hash: 'at=1000&plugin=catalog' });
      const found: string[] = [];
      for await (const _ of openViews(page)) {
        found.push(...(await findBarriers(page, rules)));
        const size =
          '[document.documentElement.scrollWidth, document.documentElement.scrollHeight]';
        expect(await page.evaluate(size)).toEqual(await page.evaluate('[innerWidth, innerHeight]'));
      }
      expect(found).toEqual([]);
    },
  );
});

/** Presses Tab until an element has the focus. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  const found = wanted.and(page.locator(':focus'));
  for (let presses = 0; presses < 40; presses += 1) {
    if ((await found.count()) > 0) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('The Tab key never came to the element');
}
