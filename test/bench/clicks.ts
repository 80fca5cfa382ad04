import { createBoot } from 'slipway';
import { createInspector } from 'slipway/inspector';
import type { Page } from 'playwright-core';
import { chromium, launchChromium } from '../support/chromium.ts';
import { busyPlugins } from '../support/busy-plugins.ts';
import { withDatabase } from './fresh-database.ts';
import { sampleOf, type Sample } from './measure.ts';

/** How long the page of a boot that sends events leaves its reader without an answer. */
export interface ClicksResult {
  readonly plugins: number;
  /** How many the boot had sent when it was ready. */
  readonly events: number;
  /** From a click on a row to the drawing that shows it. */
  readonly rows: Answers;
  /** From a click on a tab to the drawing that shows it. */
  readonly tabs: Answers;
  /** From a click on a tab to the drawing that shows its view. */
  readonly views: Answers;
}

export interface Answers extends Sample {
  /** Nine of ten are faster. */
  readonly p90Ms: number;
}

export interface ClicksExtent {
  readonly plugins: number;
  /** Statements of each plugin. */
  readonly statements: number;
}

/** Clicks in a real browser for as long as a boot runs. Boot, server and browser share the machine. */
export async function measureClicks(
  adminUrl: string,
  { plugins, statements }: ClicksExtent,
): Promise<ClicksResult | undefined> {
  if (chromium === undefined) return undefined;
  const browser = await launchChromium(chromium);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    return await withDatabase(adminUrl, async (database) => {
      const boot = createBoot({
        pool: database.pool(),
        plugins: busyPlugins({ count: plugins, statements }),
      });
      const inspector = await createInspector(boot);
      try {
        await page.goto(inspector.url);
        await page.evaluate(watchAnswers);
        const started = boot.start();
        await clickWhile(() => boot.state().outcome === undefined, page);
        await started;
        const events = boot.events.length;
        await boot.stop();
        return { plugins, events, ...(await readAnswers(page)) };
      } finally {
        await inspector.close();
      }
    });
  } finally {
    await browser.close();
  }
}

/** Runs in the page. The browser itself says how long a click waited for the next drawing, in steps of 8 ms. */
const watchAnswers = `(() => {
  const answers = { rows: [], tabs: [], views: [] };
  globalThis.answers = answers;
  new PerformanceObserver((list) => {
    for (const { name, target, duration } of list.getEntries()) {
      if (name !== 'click' || !target) continue;
      answers[target.closest('[role=tab]') ? 'tabs' : 'rows'].push(duration);
    }
  }).observe({ type: 'event', durationThreshold: 16 });
  let clickedAt;
  addEventListener('click', ({ target, timeStamp }) => {
    clickedAt = target.closest('[role=tab]') ? timeStamp : undefined;
  }, true);
  new MutationObserver((changes) => {
    if (clickedAt === undefined) return;
    if (!changes.some(({ target }) => target.id === 'view')) return;
    const since = clickedAt;
    clickedAt = undefined;
    requestAnimationFrame(() => setTimeout(() => answers.views.push(performance.now() - since)));
  }).observe(document, { subtree: true, attributeFilter: ['aria-labelledby'] });
})()`;

const tabs = ['Machines', 'Graph', 'Log', 'Findings', 'Lanes'];
/** Rows that are clicked before each tab. */
const rowsPerTab = 3;

/** Clicks rows of the lanes, and goes through the tabs now and then. */
async function clickWhile(isRunning: () => boolean, page: Page): Promise<void> {
  const rows = page.locator('tr[data-plugin]');
  await rows.first().waitFor();
  while (isRunning()) {
    for (let at = 0; at < rowsPerTab * tabs.length && isRunning(); at += 1) {
      await rows.nth(at % (await rows.count())).click();
    }
    for (const tab of tabs) {
      await page.getByRole('tab', { name: tab }).click();
      await page.locator(`#view[aria-labelledby=tab-${tab.toLowerCase()}]`).waitFor();
    }
  }
}

async function readAnswers(page: Page): Promise<Pick<ClicksResult, 'rows' | 'tabs' | 'views'>> {
  const answers = await page.evaluate<Record<'rows' | 'tabs' | 'views', number[]>>('answers');
  return {
    rows: answersOf(answers.rows),
    tabs: answersOf(answers.tabs),
    views: answersOf(answers.views),
  };
}

function answersOf(times: readonly number[]): Answers {
  const sorted = times.toSorted((a, b) => a - b);
  return { ...sampleOf(sorted), p90Ms: sorted[Math.ceil(sorted.length * 0.9) - 1] ?? Number.NaN };
}
