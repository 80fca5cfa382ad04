import { join, relative } from 'node:path';
import { toError } from '../../core/error-record.ts';
import { BootError } from '../../core/errors.ts';
import type { PluginPackage } from './find-packages.ts';
import type { PackageFiles } from './package-files.ts';

/** Says why a package cannot be imported: the error of the one import that was tried, and what to do about it. */
export async function describeImportFailure(
  found: PluginPackage,
  entry: string,
  thrown: unknown,
  files: PackageFiles,
): Promise<BootError> {
  const cause: NodeJS.ErrnoException = toError(thrown);
  const [reason] = cause.message.split('\n');
  return new BootError(
    'PLUGIN_NOT_LOADED',
    `${found.name} cannot be loaded from ${entry}: ${reason}`,
    { phase: 'discover', hint: await hintFor(found, entry, cause, files), cause },
  );
}

const typeScript = /\.[cm]?tsx?$/;

async function hintFor(
  { name, folder }: PluginPackage,
  entry: string,
  { code, message }: NodeJS.ErrnoException,
  files: PackageFiles,
): Promise<string | undefined> {
  if (!(await files.isFile(entry))) {
    return `Build ${name} first, or correct its package.json: there is no ${relative(folder, entry)} in ${folder}.`;
  }
  if (typeScript.test(entry) || code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return `Build ${name} and let its package.json name the JavaScript, or start Node with a loader for TypeScript.`;
  }
  const [, missing] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
  if (missing !== undefined) {
    return `Install ${missing}, and list it in the dependencies of ${name} (${join(folder, 'package.json')}).`;
  }
  return undefined;
}
