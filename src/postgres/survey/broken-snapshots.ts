import type { Problem } from '../../core/error-codes.ts';
import { BootError, toProblem } from '../../core/errors.ts';
import { isSql, ownNames, type Migration } from '../sources/migration.ts';

/**
 * Reads the snapshots that a plugin's pending files need: without them, it is unknown which `"public".` means the plugin's schema.
 *
 * @returns The problem of the first snapshot that cannot be read.
 */
export async function findBrokenSnapshot(
  pending: readonly Migration[],
): Promise<readonly Problem[]> {
  try {
    for (const file of pending.filter(isSql)) await ownNames(file);
    return [];
  } catch (error) {
    if (error instanceof BootError) return [toProblem(error)];
    throw error;
  }
}
