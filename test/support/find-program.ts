import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

interface Wanted {
  /** The names that it may have. The first one is the Debian package. */
  readonly names: readonly [string, ...string[]];
  /** What is tested with it: `poolers`. */
  readonly tests: string;
}

/**
 * Finds a program that tests need. When it is missing, the result is `undefined` and a line says which tests are skipped.
 *
 * @throws Error in CI, where nothing is skipped
 */
export async function findProgram({ names, tests }: Wanted): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const path of names.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // It is not in this folder.
    }
  }
  const [name] = names;
  if (process.env['CI']) throw new Error(`The tests of ${tests} need ${name}, and it is missing`);
  // Not on the console: vitest hides the console output of a file whose tests are all skipped.
  process.stderr.write(`Skipped: tests of ${tests} need ${name} (apt-get install ${name})\n`);
  return undefined;
}
