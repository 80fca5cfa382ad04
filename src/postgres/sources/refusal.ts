import { BootError } from '../../core/errors.ts';

/** Makes the error for a migrations folder that cannot be used. */
export type Refuse = (
  message: string,
  facts?: { readonly hint?: string; readonly cause?: unknown },
) => BootError;

/** The {@link Refuse} of one plugin, `MIGRATION_FILES_INVALID`. */
export function refusalFor(plugin: string): Refuse {
  return (message, facts) =>
    new BootError('MIGRATION_FILES_INVALID', `The migrations of ${plugin}: ${message}`, {
      plugin,
      phase: 'migrateAll',
      ...facts,
    });
}
