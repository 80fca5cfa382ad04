import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../support/built-package.ts';

/**
 * It comes with 150 other packages, 42 MB in all, so it is no dependency of this repository.
 */
const packages = ['@backstage/backend-app-api@1.9.0', '@backstage/backend-plugin-api@1.12.0'];

/** The folder whose node_modules has Backstage's packages, or the reason why there is none. */
export type Backstage = { readonly folder: string } | { readonly missing: string };

/** Looks for Backstage's packages in a cache, and has npm install them there if that is wanted. */
export async function findBackstage({ install }: { install: boolean }): Promise<Backstage> {
  const cache = join(packageRoot, 'node_modules/.cache/slipway-bench');
  const folder = join(cache, packages[0]?.replaceAll('/', '+') ?? '');
  if (existsSync(folder)) return { folder };
  if (!install)
    return { missing: 'add --backstage, which installs 42 MB into node_modules/.cache' };
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished, { recursive: true });
    const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    await promisify(execFile)('npm', ['install', ...flags, '--prefix', unfinished, ...packages]);
    await rename(unfinished, folder);
    return { folder };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    const { stderr = String(error) } = error as { readonly stderr?: string };
    return { missing: `npm could not install it: ${stderr.split('\n')[0]}` };
  }
}
