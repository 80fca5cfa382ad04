import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { definePlugin, type Boot } from '../../src/index.ts';
import { createInspector } from '../../src/inspector.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { chromium, useBrowser, type OpenOptions } from '../support/browser.ts';
import { useDatabase } from '../support/database.ts';
import { deferred } from '../support/deferred.ts';
import { migrationFolder } from '../support/migration-folder.ts';

vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

const untilHeadline = (page: Page, name: RegExp): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor();

/** Two plugins, of which the second one begins when the test lets it. */
function twoPlugins() {
  const gate = deferred();
  const auth = definePlugin({ id: 'auth', init: () => gate.promise });
  const billing = definePlugin({ id: 'billing', after: ['auth'], init() {} });
  return { plugins: [auth, billing], release: () => gate.resolve() };
}

/** Every connection that a server of this process has accepted. */
const served = new Set<Socket>();
subscribe(
  'net.server.socket',
  (message) => void served.add((message as { socket: Socket }).socket),
);

const authHangs = /^auth starts: its init has run .*; billing waits for it/;

describe.skipIf(!chromium)('the page of a boot that runs', () => {
  const browser = useBrowser();

  /** Opens the page of a boot. */
  async function inspect(boot: Boot, options?: OpenOptions): Promise<Page> {
    const inspector = await createInspector(boot);
    onTestFinished(() => inspector.close());
    return browser.open(inspector.url, options);
  }

  it('shows a boot from before its start to its stop', async () => {
    const { plugins, release } = twoPlugins();
    const { boot } = bootUnderTest({ pool: db.url, plugins });
    const page = await inspect(boot);
    await untilHeadline(page, /^The boot has not begun/);
    const started = boot.start();
    await untilHeadline(page, authHangs);
    release();
    await started;
    await untilHeadline(page, /^All 2 plugins are up/);
    await boot.stop();
    await page.getByText('ready, stopped').waitFor();
  });

  it('opened late, shows the boot from its beginning', async () => {
    const { plugins, release } = twoPlugins();
    const { boot } = bootUnderTest({ pool: db.url, plugins });
    const started = boot.start();
    await new Promise((resolve) => boot.once('plugin.init.started', resolve));
    const page = await inspect(boot);
    await untilHeadline(page, authHangs);
    const phases = page.getByRole('list', { name: 'Phases' }).getByRole('listitem');
    await phases.filter({ hasText: 'discover, done' }).waitFor();
    await phases.filter({ hasText: 'initAll, now' }).waitFor();
    release();
    await started;
  });

  it('takes the token out of the address, and still works when it is loaded again', async () => {
    const { plugins, release } = twoPlugins();
    const { boot } = bootUnderTest({ pool: db.url, plugins });
    const started = boot.start();
    // The address without its token is answered with 401, before the tab adds it.
    const page = await inspect(boot, { expected: /401/ });
    await untilHeadline(page, authHangs);
    expect(page.url()).not.toContain('token');
    await page.reload();
    await untilHeadline(page, authHangs);
    expect(page.url()).not.toContain('token');
    release();
    await started;
  });

  it('says that it has lost the boot, keeps what it knows, and goes on when it is found again', async () => {
    const { plugins, release } = twoPlugins();
    const { boot } = bootUnderTest({ pool: db.url, plugins });
    const started = boot.start();
    const page = await inspect(boot, {
      expected: /ERR_INTERNET_DISCONNECTED|ERR_INCOMPLETE_CHUNKED_ENCODING/,
    });
    await untilHeadline(page, authHangs);
    await page.context().setOffline(true);
    for (const socket of served) socket.destroy();
    await page.getByText('The connection is lost').waitFor();
    await untilHeadline(page, authHangs);
    await page.context().setOffline(false);
    release();
    await started;
    await untilHeadline(page, /^All 2 plugins are up/);
    await page.getByText('● live').waitFor();
  });

  it('shows the statement that failed, where it is, and what to do', async () => {
    const migrations = await migrationFolder({
      '0000_books':
        'CREATE TABLE books (id int);\n--> statement-breakpoint\nCREATE TABEL pages (id int);',
    });
    const books = definePlugin({ id: 'books', migrations, init() {} });
    const readers = definePlugin({ id: 'readers', after: ['books'], init() {} });
    const { boot } = bootUnderTest({ pool: db.url, plugins: [books, readers] });
    const page = await inspect(boot);
    await failureOf(boot.start());
    await untilHeadline(page, /^The boot failed .*books/);
    const details = page.getByRole('complementary', { name: 'Details' });
    await details.getByText('CREATE TABEL pages').first().waitFor();
    await details.getByText('42601').first().waitFor();
  });
});
