import { createRequire } from 'node:module';
import type * as playwright from 'playwright-core';
import { findProgram } from './find-program.ts';

/**
 * The path of Chromium. When it is `undefined`, skip the tests of the page. In CI, Chromium has to be installed.
 *
 * @example describe.skipIf(!chromium)('the page', () => { … });
 */
export const chromium = await findProgram({
  names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  tests: 'the page',
});

// Jiti, which the bench runs with, cannot translate it, and need not.
const { chromium: engine } = createRequire(import.meta.url)('playwright-core') as typeof playwright;

export async function launchChromium(executablePath: string): Promise<playwright.Browser> {
  // The sandbox of Chromium does not work as root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return engine.launch({ executablePath, args });
}
