import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BootError } from '../core/errors.ts';

let page: string | undefined;

/**
 * Reads the page of the inspector, which is built with the package.
 *
 * @throws BootError `INSPECTOR_UNAVAILABLE`
 */
export function readPage(): string {
  try {
    const find = createRequire(import.meta.url);
    const root = dirname(find.resolve('slipway/package.json'));
    page ??= readFileSync(join(root, 'dist/inspector/page.html'), 'utf8');
    return page;
  } catch (cause) {
    throw new BootError('INSPECTOR_UNAVAILABLE', 'The page of the inspector cannot be read', {
      hint: 'Install the package slipway again. A bundle of the program has to leave slipway out.',
      cause,
    });
  }
}
