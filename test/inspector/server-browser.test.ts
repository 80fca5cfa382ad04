import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createBoot } from '../../src/index.ts';
import { storyOf } from '../../src/insight.ts';
import { createInspector, exportHtml, type Inspector } from '../../src/inspector.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { chromium, findBarriers, useBrowser } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

/** An inspector of a boot that never starts. */
async function inspect(): Promise<Inspector> {
  const inspector = await createInspector(
    createBoot({ pool: 'postgres://127.0.0.1:1/none', plugins: [] }),
  );
  onTestFinished(() => inspector.close());
  return inspector;
}

/** A site on another port of this machine, which is a foreign origin of the same site. */
async function serveSite(html: string): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end(`<link rel="icon" href="data:,">${html}`);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const lacksToken = (page: Page): Promise<void> =>
  page.getByRole('heading', { name: 'This address lacks its token' }).waitFor();
const isShown = (page: Page): Promise<void> =>
  page.getByRole('heading', { name: /^The boot has not begun/ }).waitFor();
const refused = /the server responded with a status of 40[13]|net::ERR_FAILED|CORS policy/;

describe.skipIf(!chromium)('the address', () => {
  const browser = useBrowser();

  it('without its token opens nothing, and says what to open', async () => {
    const { url } = await inspect();
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.open(new URL('/', url).href, { colorScheme, expected: refused });
      await lacksToken(page);
      expect(await findBarriers(page)).toEqual([]);
    }
  });

  it('keeps the place in the page when it is loaded again without its token', async () => {
    const { url } = await inspect();
    const page = await browser.open(url, { hash: 'view=log&at=1000', expected: refused });
    await isShown(page);
    expect(page.url()).not.toContain('token');
    await page.reload();
    await isShown(page);
    expect(page.url()).toBe(`${new URL('/', url).href}#view=log&at=1000`);
  });

  it('with the token of another inspector opens nothing, once and not for ever', async () => {
    const [{ url }, other] = [await inspect(), await inspect()];
    const page = await browser.open(url, { expected: refused });
    await isShown(page);
    // The program has started again, on the same port.
    const token = new URL(other.url).searchParams.get('token') ?? '';
    await page.evaluate(`sessionStorage.setItem('slipway-token', ${JSON.stringify(token)})`);
    const loads: string[] = [];
    page.on('request', (request) => loads.push(request.url()));
    await page.reload();
    await lacksToken(page);
    await page.waitForURL(/token=/);
    await page.reload();
    await lacksToken(page);
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
    expect(loads).toHaveLength(3);
  });
});

describe.skipIf(!chromium)('a hostile page', () => {
  const browser = useBrowser();

  it('that even knows the token reads nothing', async () => {
    const { url } = await inspect();
    const lines = url.replace('/?', '/events?');
    const site = await serveSite('<title>hostile</title>');
    const page = await browser.open(site, { expected: /./ });
    const attempts = `(async () => {
      const results = {};
      const attempt = (name, work) => work.then((value) => { results[name] = value; }, () => { results[name] = 'refused'; });
      const load = (element, settings) => new Promise((resolve, reject) => {
        const made = Object.assign(document.createElement(element), settings);
        made.onload = () => resolve('loaded');
        made.onerror = reject;
        document.body.append(made);
      });
      const [page, lines] = ${JSON.stringify([url, lines])};
      await attempt('fetch', fetch(page).then((answer) => answer.text()));
      await attempt('no-cors', fetch(lines, { mode: 'no-cors' }).then((answer) => answer.type));
      await attempt('credentials', fetch(lines, { credentials: 'include' }).then((answer) => answer.text()));
      await attempt('post', fetch(page, { method: 'POST', body: 'x' }).then((answer) => answer.text()));
      await attempt('script', load('script', { src: lines }));
      await attempt('module', load('script', { src: page, type: 'module' }));
      await attempt('image', load('img', { src: lines }));
      await attempt('style', load('link', { rel: 'stylesheet', href: page }));
      await attempt('events', new Promise((resolve, reject) => {
        const source = new EventSource(lines);
        source.onopen = () => resolve('open');
        source.onerror = reject;
      }));
      await attempt('socket', new Promise((resolve, reject) => {
        const socket = new WebSocket(lines.replace('http', 'ws'));
        socket.onopen = () => resolve('open');
        socket.onerror = reject;
      }));
      await attempt('worker', new Promise((resolve, reject) => {
        new Worker(lines).onerror = reject;
      }));
      return results;
    })()`;
    const results = await page.evaluate<Record<string, string>>(attempts);
    expect(Object.keys(results)).toHaveLength(11);
    expect(Object.values(results).filter((result) => result !== 'refused')).toEqual([]);
    const frame = `new Promise((resolve) => {
      const frame = Object.assign(document.createElement('iframe'), { src: ${JSON.stringify(url)} });
      frame.onload = () => resolve(undefined);
      document.body.append(frame);
    })`;
    await page.evaluate(frame);
    const inside = page.frames().at(-1);
    expect(await inside?.locator('#app').count()).toBe(0);
  });

  it('that opens the page by a link cannot reach into it', async () => {
    const { url } = await inspect();
    const site = await serveSite('<button>open</button>');
    const page = await browser.open(site, { expected: /./ });
    await page.evaluate(`document.querySelector('button').onclick = () => {
      globalThis.opened = open(${JSON.stringify(url)});
    }`);
    const opening = page.context().waitForEvent('page');
    await page.getByRole('button').click();
    const opened = await opening;
    await isShown(opened);
    expect(await opened.evaluate('opener')).toBeNull();
    await expect.poll(() => page.evaluate('opened.closed')).toBe(true);
  });
});

describe.skipIf(!chromium)('a hostile plugin', () => {
  const browser = useBrowser();
  const evil = `</script><script>document.title='taken'</script><img src=x onerror="document.title='taken'"><!--\u2028\r\n\r\nevent: end\ndata:\n\n`;

  async function bootEvil() {
    const { boot } = bootUnderTest({
      pool: db.url,
      plugins: [{ id: 'evil', version: evil, init: () => Promise.reject(new Error(evil)) }],
    });
    await boot.start().catch(() => {});
    return boot;
  }

  it('writes no code into the page, and no events of its own', async () => {
    const inspector = await createInspector(await bootEvil());
    onTestFinished(() => inspector.close());
    const page = await browser.open(inspector.url);
    await page.getByRole('heading', { name: /^The boot failed/ }).waitFor();
    expect(await page.title()).not.toBe('taken');
    expect(await page.locator('img').count()).toBe(0);
  });

  it('writes no code into an exported file, and none would run there', async () => {
    const { id, events } = await bootEvil();
    const html = exportHtml(storyOf({ id, events, elapsedMs: events.at(-1)?.elapsedMs ?? 0 }));
    const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1];
    expect(policy).toContain("default-src 'none'; script-src 'sha256-");
    expect(policy).not.toContain('connect-src');
    const page = await browser.openHtml(html);
    await page.getByRole('heading', { name: /^The boot failed/ }).waitFor();
    expect(await page.title()).not.toBe('taken');
    const foreign = html.replace('</body>', `<script>document.title = 'taken'</script></body>`);
    const changed = await browser.openHtml(foreign, { expected: /Content Security Policy/ });
    await changed.getByRole('heading', { name: /^The boot failed/ }).waitFor();
    expect(await changed.title()).not.toBe('taken');
  });
});
