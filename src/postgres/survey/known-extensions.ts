import type { MigrationSettings } from '../../core/settings.ts';
import type { Question } from '../connection/question.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import type { PluginMigrations } from '../sources/read-migrations.ts';
import { mayMakeExtensionSchema } from '../sql/extension-commands.ts';
import { searchPath } from '../sql/identifier.ts';
import {
  extensionFactsSql,
  followsExtensions,
  noExtensions,
  refreshPathSql,
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
} from './extension-schemas.ts';

/**
 * Keeps the facts about extensions while a plugin is migrated. Its own files may change them: then the question is sent with
 * their COMMIT.
 */
export class KnownExtensions {
  readonly #schema: string;
  readonly #settings: MigrationSettings;
  readonly #wanted: readonly string[];
  readonly #onSchemas: ((schemas: readonly string[]) => void) | undefined;
  #facts: ExtensionFacts = noExtensions;

  /** @param onSchemas Called with the schemas of extensions each time they were looked for. */
  constructor(
    { schema, files }: PluginMigrations,
    settings: MigrationSettings,
    onSchemas?: (schemas: readonly string[]) => void,
  ) {
    this.#schema = schema;
    this.#settings = settings;
    this.#wanted = wantedExtensions(files);
    this.#onSchemas = onSchemas;
  }

  get facts(): ExtensionFacts {
    return this.#facts;
  }

  /** The schemas after the plugin's own on its `search_path`. */
  get schemasOnPath(): readonly string[] {
    return schemasOnPath(this.#settings, this.#facts);
  }

  /** The `search_path` of the plugin. */
  get searchPath(): string {
    return searchPath(this.#schema, this.schemasOnPath);
  }

  /** Makes an SQL expression of type json that gives the facts for {@link learn}, about the extensions of all files or these. */
  factsSql(wanted = this.#wanted): string {
    return extensionFactsSql(this.#settings, wanted);
  }

  learn(facts: ExtensionFacts): void {
    this.#facts = facts;
    this.#onSchemas?.(this.schemasOnPath);
  }

  /** Returns what to ask with the COMMIT of a file that may have changed the facts. */
  afterFile(file: Migration): readonly Question[] {
    if (
      isSql(file) &&
      !/extension|schema/i.test(file.sql.text) &&
      !mayMakeExtensionSchema(file.sql)
    ) {
      return [];
    }
    const learn = (value: string): void => this.learn(JSON.parse(value) as ExtensionFacts);
    return [{ text: `select ${this.factsSql()}::text as extensions`, learn }];
  }

  /** Makes SQL to send with a statement that may make an extension for the rest of its file. */
  afterStatement(text: string): string | undefined {
    const mayMatter = followsExtensions(this.#settings) && /extension/i.test(text);
    return mayMatter ? refreshPathSql(this.#schema) : undefined;
  }
}
