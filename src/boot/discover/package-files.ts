import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A folder with a package.json. */
export interface Package {
  /** Its `name`, or that of the folder. */
  readonly name: string;
  /** Where it really is, behind all symbolic links. */
  readonly folder: string;
  readonly version?: string;
  /** The whole package.json. */
  readonly json: Fields;
  /** The value of the field that marks a plugin: its `type`, and perhaps an `entry`. Empty in a package without it. */
  readonly marker: Fields;
}

/**
 * Reads the package in a folder; `undefined` when there is none.
 *
 * @param field The field of package.json that marks a plugin.
 * @throws BootError `PLUGIN_NOT_LOADED` when its package.json is not one.
 */
export async function readPackage(folder: string, field: string): Promise<Package | undefined> {
  const path = join(folder, 'package.json');
  const text = await readFileText(path);
  if (text === undefined) return undefined;
  const json = readFields(parse(text, path));
  const { name, version } = json;
  return {
    name: typeof name === 'string' && name !== '' ? name : basename(folder),
    folder,
    ...(typeof version === 'string' ? { version } : {}),
    json,
    marker: readFields(json[field]),
  };
}

/** Returns the fields of a value that is an object; none of any other. */
export function readFields(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const hint = 'Correct the file, or install the package again.';
    throw notLoaded(`${path} is not JSON`, hint, cause);
  }
}

/** Reads the text of a file; `undefined` when there is none. */
export function readFileText(path: string): Promise<string | undefined> {
  return unlessAbsent(path, readFile(path, 'utf8'), undefined);
}

/** Follows every symbolic link of a path; `undefined` when it leads nowhere. */
export function followLinks(path: string): Promise<string | undefined> {
  return unlessAbsent(path, realpath(path), undefined);
}

/** Lists what may be a folder in a folder: a link is not followed to find out. */
export async function listFolders(path: string): Promise<readonly Dirent[]> {
  const entries = await unlessAbsent(path, readdir(path, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
}

export async function isFile(path: string): Promise<boolean> {
  return (await unlessAbsent(path, stat(path), undefined))?.isFile() ?? false;
}

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
    const hint = 'Give this process the right to read the packages that it starts.';
    throw notLoaded(`${path} cannot be read: ${error.message}`, hint, error);
  }
}

/** Makes the error for a package, or for packages that cannot be looked for. */
export function notLoaded(message: string, hint: string | undefined, cause?: unknown): BootError {
  return new BootError('PLUGIN_NOT_LOADED', message, { phase: 'discover', hint, cause });
}
