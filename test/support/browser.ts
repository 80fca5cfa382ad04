import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Locator,
  Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { chromium, launchChromium } from './chromium.ts';

export { chromium };

export interface OpenOptions extends BrowserContextOptions {
  /** The part of the address behind `#`: `view=log&at=1000`. */
  readonly hash?: string;
  /** Messages of the console that this test causes, such as that of a lost connection. */
  readonly expected?: RegExp;
}

export interface TestBrowser {
  /** Opens an address in a window of its own. */
  open(url: string, options?: OpenOptions): Promise<Page>;
  /** Opens an exported page from a file, without a network, and waits until it is drawn. */
  openHtml(html: string, options?: OpenOptions): Promise<Page>;
}

/**
 * Gives a test file a real Chromium. After each test no page has written to the console, which is where violations of the
 * content security policy go, and none has asked another host for anything.
 *
 * @example const browser = useBrowser();
 */
export function useBrowser(): TestBrowser {
  let browser: Browser | undefined;
  let folder = '';
  const contexts: BrowserContext[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-page-'));
    if (chromium === undefined) return;
    browser = await launchChromium(chromium);
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open: TestBrowser['open'] = async (url, { hash, expected, ...options } = {}) => {
    if (!browser) throw new Error('There is no Chromium: skip this test');
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    contexts.push(context);
    const page = await context.newPage();
    const complain = (text: string): void => {
      if (!expected?.test(text)) complaints.push(text);
    };
    page.on('console', (message) => complain(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complain(String(error)));
    page.on('request', (request) => {
      if (!isOwn(request.url(), url)) complain(`request: ${request.url()}`);
    });
    await page.goto(hash === undefined ? url : `${url}#${hash}`);
    return page;
  };
  return {
    open,
    async openHtml(html, options) {
      const file = join(folder, `${crypto.randomUUID()}.html`);
      await writeFile(file, html);
      const page = await open(pathToFileURL(file).href, { offline: true, ...options });
      // It unpacks itself, and then draws all of itself at once.
      await page.locator('h1').waitFor();
      return page;
    },
  };
}

function isOwn(requested: string, opened: string): boolean {
  const [to, from] = [new URL(requested), new URL(opened)];
  if (to.protocol === 'data:' || to.protocol === 'blob:') return true;
  return to.protocol === 'file:' ? to.pathname === from.pathname : to.origin === from.origin;
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Opens each view of the page in turn. Each is there, whole, when it is given. */
export async function* openViews(page: Page): AsyncGenerator<Locator> {
  for (const tab of await page.getByRole('tab').all()) yield openView(page, tab);
}

/** Opens the view of a tab. */
export async function openView(page: Page, tab: Locator): Promise<Locator> {
  await tab.click();
  const view = page.locator(`#view[aria-labelledby=${await tab.getAttribute('id')}]`);
  await view.waitFor();
  return view;
}

/**
 * Returns what axe finds on a page, in a form that a person can read.
 *
 * @param rules The rules to check; all of them when they are left out.
 */
export async function findBarriers(
  page: Page,
  rules?: readonly string[],
): Promise<readonly string[]> {
  if (!(await page.evaluate<boolean>('"axe" in window'))) {
    await page.evaluate(await readFile(axe, 'utf8'));
  }
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: rules }) };
  const { violations } = await page.evaluate<Pick<AxeResults, 'violations'>>(
    `axe.run(${JSON.stringify(options)})`,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help} (${target.join(' ')})`),
  );
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly target: readonly string[] }[];
  }[];
}
