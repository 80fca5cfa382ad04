import type { Settings } from '../../core/settings.ts';
import { searchPath } from '../../postgres/sql/identifier.ts';
import { schemasOnPath } from '../../postgres/survey/extension-schemas.ts';

/** The `search_path` of plugins: the schema of each, then those that are listed, or found by surveys and by migrations. */
export interface PluginPath {
  /** Plugins side by side may find schemas in any order: what one has found stays found. */
  readonly add: (found: readonly string[]) => void;
  readonly make: (schema: string) => string;
}

export function createPluginPath(rules: Settings['migrations']): PluginPath {
  let schemas = schemasOnPath(rules);
  return {
    add: (found) => {
      schemas = [...new Set([...schemas, ...found])];
    },
    make: (schema) => searchPath(schema, schemas),
  };
}
