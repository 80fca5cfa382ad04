import { basename, join } from 'node:path';
import { BootError } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import type { PackageFiles } from './package-files.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A folder with a package.json. */
export interface Package {
  /** Its `name`, or that of the folder. */
  readonly name: string;
  /** Where it really is, behind all symbolic links. */
  readonly folder: string;
  readonly version?: string;
  /** The whole package.json. */
  readonly json: Fields;
}

/**
 * Reads the package in a folder; `undefined` when there is none.
 *
 * @throws BootError `PLUGIN_NOT_LOADED` when its package.json is not one.
 */
export async function readPackage(
  folder: string,
  files: PackageFiles,
): Promise<Package | undefined> {
  const path = join(folder, 'package.json');
  const text = await files.read(path);
  if (text === undefined) return undefined;
  const json = fieldsIn(parse(text, path));
  const { name, version } = json;
  return {
    name: typeof name === 'string' && name !== '' ? name : basename(folder),
    folder,
    ...(typeof version === 'string' ? { version } : {}),
    json,
  };
}

/** The fields of a value that is an object; none of any other. */
export function fieldsIn(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new BootError('PLUGIN_NOT_LOADED', `${path} is not JSON`, {
      phase: 'discover',
      hint: 'Correct the file, or install the package again.',
      cause,
    });
  }
}
