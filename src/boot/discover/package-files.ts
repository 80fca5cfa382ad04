import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';

interface Subfolder {
  readonly name: string;
  readonly isLink: boolean;
}

/** The part of a file system that discovery uses. A missing file or folder is `undefined` or an empty list, never an error. */
export interface PackageFiles {
  /** Reads the text of a file. */
  read(path: string): Promise<string | undefined>;
  /** Follows every symbolic link of a path. */
  real(path: string): Promise<string | undefined>;
  /** Lists what may be a folder in a folder. A link is not followed to find out. */
  subfolders(path: string): Promise<readonly Subfolder[]>;
  isFile(path: string): Promise<boolean>;
}

/** The file system itself. */
export const packageFiles: PackageFiles = {
  read: (path) => unlessAbsent(path, readFile(path, 'utf8'), undefined),
  real: (path) => unlessAbsent(path, realpath(path), undefined),
  async subfolders(path) {
    const entries = await unlessAbsent(path, readdir(path, { withFileTypes: true }), []);
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => ({ name: entry.name, isLink: entry.isSymbolicLink() }));
  },
  async isFile(path) {
    const found = await unlessAbsent(path, stat(path), undefined);
    return found?.isFile() ?? false;
  },
};

async function unlessAbsent<T, Absent>(
  path: string,
  look: Promise<T>,
  otherwise: Absent,
): Promise<T | Absent> {
  try {
    return await look;
  } catch (thrown) {
    const error: NodeJS.ErrnoException = toError(thrown);
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return otherwise;
    throw new BootError('PLUGIN_NOT_LOADED', `${path} cannot be read: ${error.message}`, {
      phase: 'discover',
      hint: 'Give this process the right to read the packages that it starts.',
      cause: error,
    });
  }
}
