import { problem, type Problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import { mayMakeExtensionSchema } from '../sql/extension-commands.ts';
import {
  misplacedExtensions,
  extensionSchemaAdvice,
  type ExtensionFacts,
  type ExtensionSetting,
} from './extension-schemas.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import { readDirectives } from '../sql/file-marks.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { StrayPolicy } from './stray-objects.ts';

interface PendingPlugin {
  readonly id: string;
  readonly schema: string;
  readonly pending: readonly Migration[];
}

export interface ExtensionRules {
  readonly setting: ExtensionSetting;
  readonly strayObjects: StrayPolicy;
}

/**
 * Finds pending files with an extension that would go into the plugin's own schema, because there is no schema for extensions.
 * Only where it is certain: when any pending file may make such a schema, it is looked at when its turn comes.
 */
export function findMissingExtensionSchemas(
  plugins: readonly PendingPlugin[],
  facts: ExtensionFacts,
  rules: ExtensionRules,
): readonly Problem[] {
  if (facts.schemas.length > 0 || facts.placeable.length === 0) return [];
  const all = plugins.flatMap(({ pending }) => pending);
  const texts = all.filter(isSql).map(({ sql }) => sql);
  // What a function does is not known before it runs.
  if (texts.length < all.length) return [];
  if (texts.some(mayMakeExtensionSchema) || mayMakeListed(plugins, texts, rules.setting)) return [];
  return plugins.flatMap(({ id, schema, pending }) =>
    pending.filter(isSql).flatMap(({ name: file, sql }) =>
      isMeant(sql, rules)
        ? []
        : misplacedExtensions(sql, facts, schema).map((extension) => {
            const message = `${id}: ${file} makes the extension ${extension}, and there is no schema for it`;
            const hint = extensionSchemaAdvice(extension, rules.setting);
            return problem('EXTENSION_SCHEMA_MISSING', message, { plugin: id, file, hint });
          }),
    ),
  );
}

/**
 * The same when a text is about to be sent, and everything is known.
 *
 * @throws BootError `EXTENSION_SCHEMA_MISSING`
 */
export function refuseMissingExtensionSchema(
  { id, schema }: { readonly id: string; readonly schema: string },
  { file, sql, inTransaction }: SentText,
  facts: ExtensionFacts,
  rules: ExtensionRules,
): void {
  const misplaced = misplacedExtensions(sql, facts, schema);
  const [extension] = isMeant(sql, rules) ? [] : misplaced;
  if (extension === undefined) return;
  const what = `${file} makes the extension ${extension}, and there is no schema for it`;
  const kept = inTransaction ? ` Nothing of ${file} was kept.` : '';
  throw new BootError('EXTENSION_SCHEMA_MISSING', `${id} could not be migrated: ${what}`, {
    plugin: id,
    phase: 'migrateAll',
    position: { file },
    hint: `${extensionSchemaAdvice(extension, rules.setting)}${kept}`,
  });
}

/** A whole file, or one statement of a function. */
interface SentText {
  readonly file: string;
  readonly sql: SqlText;
  /** Whether what was sent before it is rolled back. */
  readonly inTransaction: boolean;
}

/** Whether what goes into the plugin's own schema may stay there. */
function isMeant(sql: SqlText, { strayObjects }: Pick<ExtensionRules, 'strayObjects'>): boolean {
  return strayObjects !== 'error' || readDirectives(sql).known.has('allow-outside');
}

/** A listed schema is one for extensions as soon as it is there, whoever makes it: a file, or Slipway for a plugin. */
function mayMakeListed(
  plugins: readonly PendingPlugin[],
  texts: readonly SqlText[],
  setting: ExtensionSetting,
): boolean {
  if (setting === 'auto' || setting.length === 0) return false;
  return (
    plugins.some(({ schema }) => setting.includes(schema)) ||
    texts.some(({ text }) => /schema/i.test(text))
  );
}
