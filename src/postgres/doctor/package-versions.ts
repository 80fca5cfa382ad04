import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A package that Slipway works on, as it is installed. */
export interface PackageVersions {
  readonly name: string;
  /** The versions that Slipway supports, as in its `peerDependencies`. */
  readonly supported: string;
  readonly isSupported: boolean;
  /** The copy that Slipway loads; left out when there is none. */
  readonly own?: PackageCopy;
  /** The copy that the host loads; left out when there is none. */
  readonly host?: PackageCopy;
}

interface PackageCopy {
  readonly version: string;
  readonly folder: string;
}

interface Supported {
  readonly range: string;
  readonly pattern: RegExp;
}

/** A test compares the ranges with `peerDependencies`, and the patterns with versions. */
export const supportedPackages: Readonly<Record<string, Supported>> = {
  pg: { range: '^8.21', pattern: /^8\.(2[1-9]|[3-9]\d|\d{3,})\./ },
  'drizzle-orm': {
    range: '^0.44 || ^0.45 || >=1.0.0-rc.1 <2',
    pattern: /^(0\.4[45]\.|1\.0\.0-rc\.|1\.\d+\.\d+$)/,
  },
};

/**
 * Finds the copies of `pg` and `drizzle-orm` that Slipway and the host load.
 *
 * @param root The folder of the host.
 */
export function findPackageVersions(root: string): readonly PackageVersions[] {
  return Object.entries(supportedPackages).map(([name, { range: supported, pattern }]) => {
    const own = findCopy(name, import.meta.url);
    const host = findCopy(name, pathToFileURL(join(root, 'package.json')).href);
    const copies = [own, host].filter((copy) => copy !== undefined);
    const isSupported = own !== undefined && copies.every(({ version }) => pattern.test(version));
    return { name, supported, isSupported, ...(own && { own }), ...(host && { host }) };
  });
}

/** Not every package lets its package.json be imported, so this looks above the file that is. */
function findCopy(name: string, from: string): PackageCopy | undefined {
  try {
    let folder = dirname(createRequire(from).resolve(name));
    for (; folder !== dirname(folder); folder = dirname(folder)) {
      const copy = readCopy(name, folder);
      if (copy) return copy;
    }
  } catch {
    // It is not installed.
  }
  return undefined;
}

function readCopy(name: string, folder: string): PackageCopy | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name?: string;
      readonly version?: string;
    };
    if (manifest.name !== name || manifest.version === undefined) return undefined;
    return { version: manifest.version, folder };
  } catch {
    return undefined;
  }
}
