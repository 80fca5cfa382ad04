import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type * as Playwright from 'playwright-core';

// Takes the pictures of docs/inspector.md: the demo stages each situation on a real PostgreSQL, and a real Chromium shows it.
// Run it after `npm run build`: node --import jiti/register docs/reference/pictures.ts [situation …]

// Jiti cannot translate it, and need not.
const { chromium } = createRequire(import.meta.url)('playwright-core') as typeof Playwright;
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = fileURLToPath(new URL('../pictures/', import.meta.url));
const size = { width: 1280, height: 800 };

interface Situation {
  /** The headline at which its picture is taken. */
  readonly headline: RegExp;
  /** The views that are shown by it, besides the lanes. */
  readonly views?: readonly View[];
}

interface View {
  readonly picture: string;
  readonly open: (page: Playwright.Page) => Promise<unknown>;
  /** The part of the page that is shown; left out, all of it. */
  readonly part?: string;
}

const openTab = async (page: Playwright.Page, name: string): Promise<void> => {
  await page.getByRole('tab', { name }).click();
  await page.getByRole('tabpanel', { name }).waitFor();
};

const situations: Readonly<Record<string, Situation>> = {
  'slow-migration': { headline: /statement \d/ },
  lock: {
    headline: /for its migration lock, held by .* waits for/,
    views: [
      { picture: 'lanes', open: async (page) => openTab(page, 'Lanes') },
      { picture: 'machines', open: async (page) => openTab(page, 'Machines') },
      { picture: 'graph', open: async (page) => openTab(page, 'Graph') },
      {
        picture: 'log',
        open: async (page) => {
          await openTab(page, 'Log');
          await page.getByRole('searchbox', { name: 'Text' }).fill('lock');
        },
      },
    ],
  },
  hang: { headline: /its init has run/ },
  failed: {
    headline: /^The boot failed/,
    views: [{ picture: 'details', open: async (page) => openTab(page, 'Lanes'), part: '.details' }],
  },
  dependency: {
    headline: /did not start because/,
    views: [{ picture: 'findings', open: async (page) => openTab(page, 'Findings') }],
  },
};

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const asked = process.argv.slice(2);
try {
  for (const [name, situation] of Object.entries(situations)) {
    if (asked.length === 0 || asked.includes(name)) await takeSituation(name, situation);
  }
} finally {
  await browser.close();
}

async function takeSituation(name: string, { headline, views = [] }: Situation): Promise<void> {
  const demo = spawn(
    process.execPath,
    ['--import', 'jiti/register', 'docs/examples/shop/main.ts', '--show', name],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const url = await readUrl(demo);
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await browser.newPage({ viewport: size, colorScheme });
      await page.goto(url);
      await page.getByRole('heading', { level: 1, name: headline }).waitFor({ timeout: 120_000 });
      // The picture has the numbers of a person who looks a little later.
      await page.waitForTimeout(2_000);
      await page.screenshot({ path: `${folder}situation-${name}-${colorScheme}.png` });
      for (const { picture, open, part } of views) {
        await open(page);
        await page.waitForTimeout(500);
        const path = `${folder}${picture}-${colorScheme}.png`;
        await (part === undefined ? page : page.locator(part)).screenshot({ path });
      }
      await page.close();
    }
  } finally {
    const exit = demo.exitCode === null && once(demo, 'exit');
    demo.kill('SIGINT');
    await exit;
  }
}

async function readUrl(demo: ChildProcess): Promise<string> {
  if (!demo.stdout) throw new Error('The demo has no output');
  // The lines are read to their end: a demo whose output is not read would stand still.
  const lines = createInterface(demo.stdout);
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+\/\?token=\w[\w-]*/.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
    lines.on('close', () =>
      reject(new Error('The demo ended before it printed the address of the inspector')),
    );
  });
}
