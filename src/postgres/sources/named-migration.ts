import { createHash } from 'node:crypto';
import type { MigrationFunction } from '../../core/migration-source.ts';
import type { CodeMigration, MigrationIdentity } from './migration.ts';
import { timeOf } from './timestamp-folder.ts';

/** The seconds from 1970 to the end of 2000: no Drizzle has ever written a time in there. */
const secondsBeforeDrizzle = 978_307_200;

/**
 * Returns the identity in the history of a migration that has nothing but a name. Its `created_at` is the time that the name
 * begins with, as `drizzle-kit up` would have named it. Without one it is a number made of the name: so a table of 0.x, which
 * keeps no names, has the same number for it after its text was edited.
 */
export function identityOf(
  name: string,
): Pick<MigrationIdentity, 'historyName' | 'when' | 'format'> {
  const when = timeOf(name);
  return {
    historyName: name,
    when: Number.isNaN(when)
      ? (digestOf(name).readUInt32BE(0) % secondsBeforeDrizzle) * 1000
      : when,
    format: '1.x',
  };
}

/** The functions of a plugin as migrations. */
export function toMigrations(functions: readonly MigrationFunction[]): readonly CodeMigration[] {
  return functions.map((each) => ({
    ...identityOf(each.name),
    name: each.name,
    hash: hashOfFunction(each.name),
    run: (client, context) => each.run(client, context),
    transaction: each.transaction !== false,
  }));
}

/** A hash for the history, made of the name: the code of a function cannot be read, and does not show what it calls. */
export function hashOfFunction(name: string): string {
  return digestOf(`function ${name}`).toString('hex');
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
