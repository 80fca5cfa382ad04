import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { BootError } from '../../core/errors.ts';

/** The first version of pg whose clients know what became of their transaction. */
const oldest = '8.21';

/**
 * Refuses a pg whose clients cannot tell whether they are inside a transaction: migrations would pass, and the first query
 * of a plugin would fail. Looks at what the client can do; the version is only for people.
 *
 * @param given The class of the clients; a pool that does not name it is taken as it is.
 * @throws BootError `OPTIONS_INVALID`, with the versions and their places
 */
export function refuseOldPg(given: unknown, name: string): void {
  if (typeof given !== 'function' || hasTransactionStatus(given)) return;
  const theirs = findPackage(given);
  const ours = findPackage(Client);
  const got = theirs ? `pg ${theirs.version} in ${theirs.folder}` : 'one of another library';
  const own =
    ours && ours.folder !== theirs?.folder
      ? `; Slipway has pg ${ours.version} in ${ours.folder}`
      : '';
  throw new BootError(
    'OPTIONS_INVALID',
    `Expected ${name} to be of pg ${oldest} or newer, whose clients know the state of their transaction, got ${got}${own}`,
    {
      hint: theirs?.isNative
        ? 'Take the pool of pg itself, not that of pg.native.'
        : `Install pg ${oldest} or newer where the pool is made (npm ls pg shows every copy).`,
    },
  );
}

function hasTransactionStatus(given: object): boolean {
  const prototype: unknown = Reflect.get(given, 'prototype');
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    typeof Reflect.get(prototype, 'getTransactionStatus') === 'function'
  );
}

interface FoundPackage {
  readonly version: string;
  readonly folder: string;
  readonly isNative: boolean;
}

/** The package that a class of pg comes from. pg is CommonJS, so that Node.js keeps its modules by their path. */
function findPackage(given: unknown): FoundPackage | undefined {
  const { cache } = createRequire(import.meta.url);
  const file = Object.values(cache).find((module) => module?.exports === given)?.filename;
  if (file === undefined) return undefined;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(
        readFileSync(join(folder, 'package.json'), 'utf8'),
      ) as Readonly<Record<string, string>>;
      if (name === undefined || version === undefined) continue;
      return { version, folder, isNative: /[\\/]native[\\/]/.test(file) };
    } catch {
      // No package.json here: it is further up.
    }
  }
  return undefined;
}
