import { problem, type Problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { mayMakeExtensionSchema } from '../sql/extension-commands.ts';
import {
  misplacedExtensions,
  missingSchemaAdvice,
  schemasOnPath,
  type ExtensionFacts,
} from './extension-schemas.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { readDirectives } from '../sql/file-marks.ts';
import type { SqlText } from '../sql/sql-text.ts';

interface PendingPlugin {
  readonly id: string;
  readonly schema: string;
  readonly pending: readonly Migration[];
}

/**
 * Finds pending files with an extension that would go into the plugin's own schema, because there is no schema for extensions.
 * Only certain cases: when any pending file may make such a schema, the check is repeated before the file runs.
 */
export function findMissingExtensionSchemas(
  plugins: readonly PendingPlugin[],
  facts: ExtensionFacts,
  settings: MigrationSettings,
): readonly Problem[] {
  if (facts.schemas.length > 0 || facts.placeable.length === 0) return [];
  const all = plugins.flatMap(({ pending }) => pending);
  const texts = all.filter(isSql).map(({ sql }) => sql);
  // It is unknown what a function does.
  if (texts.length < all.length) return [];
  const isAnyToCome = mayMakeAny(plugins, texts, schemasOnPath(settings));
  if (texts.some(mayMakeExtensionSchema) || isAnyToCome) return [];
  return plugins.flatMap(({ id, schema, pending }) =>
    pending.filter(isSql).flatMap(({ name: file, sql }) =>
      isMeant(sql, settings)
        ? []
        : misplacedExtensions(sql, facts, schema).map((extension) => {
            const message = `${id}: ${file} makes the extension ${extension}, and there is no schema for it`;
            const hint = missingSchemaAdvice(extension, settings);
            return problem('EXTENSION_SCHEMA_MISSING', message, { plugin: id, file, hint });
          }),
    ),
  );
}

/**
 * Does the same check before a text is sent, when everything is known.
 *
 * @throws BootError `EXTENSION_SCHEMA_MISSING`
 */
export function refuseMissingExtensionSchema(
  { id, schema }: { readonly id: string; readonly schema: string },
  { file, sql, inTransaction }: SentText,
  facts: ExtensionFacts,
  settings: MigrationSettings,
): void {
  const misplaced = misplacedExtensions(sql, facts, schema);
  const [extension] = isMeant(sql, settings) ? [] : misplaced;
  if (extension === undefined) return;
  const what = `${file} makes the extension ${extension}, and there is no schema for it`;
  const kept = inTransaction ? ` Nothing of ${file} was kept.` : '';
  throw new BootError('EXTENSION_SCHEMA_MISSING', `${id} could not be migrated: ${what}`, {
    plugin: id,
    phase: 'migrateAll',
    position: { file },
    hint: `${missingSchemaAdvice(extension, settings)}${kept}`,
  });
}

/** A text to send: a whole file, or one statement of a function. */
interface SentText {
  readonly file: string;
  readonly sql: SqlText;
  /** Whether the statements before it are rolled back. */
  readonly inTransaction: boolean;
}

/** Whether an extension may stay in the plugin's own schema. */
function isMeant(sql: SqlText, { strayObjects }: MigrationSettings): boolean {
  return strayObjects !== 'error' || readDirectives(sql).known.has('allow-outside');
}

/** A listed schema counts as soon as it exists, whether a file makes it or Slipway makes it for a plugin. */
function mayMakeAny(
  plugins: readonly PendingPlugin[],
  texts: readonly SqlText[],
  listed: readonly string[],
): boolean {
  if (listed.length === 0) return false;
  return (
    plugins.some(({ schema }) => listed.includes(schema)) ||
    texts.some(({ text }) => /schema/i.test(text))
  );
}
