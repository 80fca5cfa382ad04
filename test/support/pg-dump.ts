import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = '/usr/lib/postgresql';

/**
 * The pg_dump of the system's newest server, which `startPostgres({ from: 'system' })` starts: the npm package has none, and
 * pg_dump reads no server that is newer than itself. When it is missing, a line says which tests are skipped.
 *
 * @throws Error in CI, where nothing is skipped
 */
export const pgDumpPath: string | undefined = findPgDump();

function findPgDump(): string | undefined {
  const versions = existsSync(root) ? readdirSync(root) : [];
  const newest = versions
    .toSorted((one, other) => Number(other) - Number(one))
    .map((version) => join(root, version, 'bin'))
    .find((bin) => ['postgres', 'initdb'].every((name) => existsSync(join(bin, name))));
  const path = newest && join(newest, 'pg_dump');
  if (path !== undefined && existsSync(path)) return path;
  if (process.env['CI']) throw new Error('The tests of dumps need postgresql, and it is missing');
  process.stderr.write('Skipped: tests of dumps need pg_dump (apt-get install postgresql)\n');
  return undefined;
}

/** Dumps a database as plain SQL. */
export async function pgDump(url: string, ...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(pgDumpPath ?? 'pg_dump', [...options, url]);
  return stdout;
}
