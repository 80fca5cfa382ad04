import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository, which is the package's as well. */
export const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Fails, with what to do, unless the package is built: programs that run as processes of their own import that. */
export function requireBuiltPackage(): void {
  if (existsSync(join(packageRoot, 'dist/src/index.js'))) return;
  throw new Error('This test runs the built package, and dist/ is not there: run `npm run build`');
}
