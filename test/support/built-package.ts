import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, which is also the root of the package. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Throws, with the command to run, unless the package is built. Programs that run as processes of their own import it. */
export function requireBuiltPackage(): void {
  if (existsSync(join(packageRoot, 'dist/src/index.js'))) return;
  throw new Error('This test runs the built package, and dist/ is not there: run `npm run build`');
}
