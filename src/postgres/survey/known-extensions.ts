import { mayMakeExtensionSchema } from '../sql/extension-commands.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import {
  extensionFactsSql,
  noExtensions,
  refreshPathSql,
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
  type ExtensionSetting,
} from './extension-schemas.ts';
import { isRecord } from '../../core/foreign-value.ts';

/** The question about extensions that a plugin's migrations have. */
export interface ExtensionQuestion {
  readonly setting: ExtensionSetting;
  /** Extensions that files make without a schema; see `wantedExtensions`. */
  readonly wanted: readonly string[];
}

/** The question of migrations that need no extensions. */
export const noQuestion: ExtensionQuestion = { setting: [], wanted: [] };

/**
 * Keeps the facts about extensions while a plugin is migrated. Its own files may change them: then the question is sent with
 * their COMMIT.
 */
export class KnownExtensions {
  readonly question: ExtensionQuestion;
  readonly #onSchemas: ((schemas: readonly string[]) => void) | undefined;
  #facts: ExtensionFacts = noExtensions;

  /** @param onSchemas Called with the schemas of extensions each time they were looked for. */
  constructor(
    setting: ExtensionSetting,
    files: readonly Migration[],
    onSchemas?: (schemas: readonly string[]) => void,
  ) {
    this.question = { setting, wanted: wantedExtensions(files) };
    this.#onSchemas = onSchemas;
  }

  get facts(): ExtensionFacts {
    return this.#facts;
  }

  /** The schemas after the plugin's own on its `search_path`. */
  get schemasOnPath(): readonly string[] {
    return schemasOnPath(this.question.setting, this.#facts);
  }

  learn(facts: ExtensionFacts): void {
    this.#facts = facts;
    this.#onSchemas?.(this.schemasOnPath);
  }

  /** Makes SQL to send with the COMMIT of a file that may have changed the facts; {@link learnFrom} reads its answer. */
  afterFile(file: Migration): readonly string[] {
    if (isSql(file) && !/extension|schema/i.test(file.text) && !mayMakeExtensionSchema(file.sql)) {
      return [];
    }
    const { setting, wanted } = this.question;
    return [`select ${extensionFactsSql(setting, wanted)}::text as extensions`];
  }

  learnFrom(answers: unknown): void {
    const rows = [answers].flat().flatMap((each) => (each as { readonly rows?: unknown[] }).rows);
    const found = rows.find(
      (row): row is { readonly extensions: string } => isRecord(row) && 'extensions' in row,
    );
    if (found) this.learn(JSON.parse(found.extensions) as ExtensionFacts);
  }

  /** Makes SQL to send with a statement that may make an extension for the rest of its file. */
  afterStatement(text: string, schema: string): string | undefined {
    const mayMatter = this.question.setting === 'auto' && /extension/i.test(text);
    return mayMatter ? refreshPathSql(schema) : undefined;
  }
}
