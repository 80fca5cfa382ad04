import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Does what `npm install` would do for `"slipway": "file:../../.."` in the shop's package.json, so that the demo needs no
 * second installation: the shop and its packages are projects of their own, which find Slipway in a node_modules only.
 */
export async function linkSlipway(): Promise<void> {
  const places = createRequire(import.meta.url).resolve.paths('slipway') ?? [];
  if (places.some((place) => existsSync(join(place, 'slipway')))) return;
  const installed = fileURLToPath(new URL('./node_modules', import.meta.url));
  await mkdir(installed, { recursive: true });
  try {
    // From node_modules to the root of the repository.
    await symlink('../../../..', join(installed, 'slipway'), 'junction');
  } catch (error) {
    // Another demo may have been faster.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}
