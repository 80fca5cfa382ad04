import { isAbsolute, join } from 'node:path';
import { mapFolder, type MigrationSource } from '../../core/migration-source.ts';

/** A package's migrations, whose folder may be written relative to the package. Anything else is left to the check. */
export function inPackage(source: MigrationSource, folder: string): MigrationSource {
  return mapFolder(source, (told) => (isRelative(told) ? join(folder, told) : told));
}

function isRelative(folder: unknown): folder is string {
  return typeof folder === 'string' && !isAbsolute(folder) && !folder.startsWith('file:');
}
