import type { Problem } from '../core/error-codes.ts';
import type { GraphEdge, Tell } from '../core/events.ts';
import { mapBounded } from '../core/map-bounded.ts';
import type { ExtensionFacts } from '../postgres/survey/extension-schemas.ts';
import { isSql } from '../postgres/sources/migration.ts';
import {
  placeStatements,
  toScript,
  type PlacedStatement,
} from '../postgres/migrate/migration-script.ts';
import {
  readEffects,
  unknownEffect,
  type StatementEffect,
} from '../postgres/sql/statement-effects.ts';
import type { PluginSurvey } from '../postgres/survey/survey-plugin.ts';
import type { BootSetup } from './boot-options.ts';
import { surveyPlugins } from './survey-plugins.ts';
import { withPlugins } from './with-plugins.ts';

/** A migration that would be applied. */
export interface PendingFile {
  /** `0000_init.sql`, `20240102030405_init/migration.sql`, or the name of a function. */
  readonly file: string;
  readonly kind: 'sql' | 'function';
  /** Whether it would run in a transaction. */
  readonly transaction: boolean;
  /** As they would be sent, one by one; none of a function, because nobody knows them before it runs. */
  readonly statements: readonly PlannedStatement[];
}

/** A statement that would be sent, with its place in the file and what others notice of it. */
export interface PlannedStatement extends PlacedStatement, StatementEffect {}

/** What a boot would do with one plugin. */
export interface PluginPlan {
  readonly id: string;
  /** Left out for a plugin without migrations. */
  readonly schema?: string;
  /** The schema of an earlier id, which would be renamed to `schema` first. */
  readonly renameFrom?: string;
  /** How many rows its history has. */
  readonly applied: number;
  /** The files that would be applied, in their order. */
  readonly pending: readonly PendingFile[];
  /** What does not quite fit, and lets a boot go on. */
  readonly warnings: readonly Problem[];
  /** What would keep the boot from migrating. */
  readonly problems: readonly Problem[];
}

/** What a boot would do. */
export interface BootPlan {
  /** In the order of the boot. */
  readonly plugins: readonly PluginPlan[];
  /** Plugins that take no part, and why. */
  readonly switchedOff: readonly { readonly id: string; readonly because: string }[];
  readonly edges: readonly GraphEdge[];
  /** Of the graph and of every plugin. */
  readonly warnings: readonly string[];
  /** What would keep the boot from migrating: of every plugin, and of the database. */
  readonly problems: readonly Problem[];
}

/** Looks at the plugins and the database without changing either. */
export function makePlan(setup: BootSetup, tell: Tell): Promise<BootPlan> {
  return withPlugins(setup, tell, async ({ pool, gathered, graph, signal }) => {
    const { survey, problems } = await surveyPlugins(graph.plugins, { pool, setup, tell, signal });
    const surveyed = new Map((survey?.plugins ?? []).map((plugin) => [plugin.id, plugin]));
    const { rewritePublic } = setup.settings.migrations;
    const plugins = await mapBounded(graph.plugins, 1, async ({ id }): Promise<PluginPlan> => {
      const found = surveyed.get(id);
      return {
        id,
        ...(found ? { schema: found.schema } : {}),
        ...(found?.renameFrom === undefined ? {} : { renameFrom: found.renameFrom }),
        applied: found?.applied.length ?? 0,
        pending: found ? await readPending(found, rewritePublic, survey?.extensions) : [],
        warnings: found?.warnings ?? [],
        problems: problems.filter(({ plugin }) => plugin === id),
      };
    });
    return {
      plugins,
      switchedOff: gathered.switched.off.map(({ plugin, because }) => ({ id: plugin.id, because })),
      edges: graph.edges,
      warnings: [
        ...graph.warnings,
        ...plugins.flatMap(({ warnings }) => warnings.map(({ message }) => message)),
      ],
      problems,
    };
  });
}

function readPending(
  { schema, pending }: PluginSurvey,
  isPublicRewritten: boolean,
  extensions: ExtensionFacts | undefined,
): Promise<readonly PendingFile[]> {
  return mapBounded(pending, 1, async (migration): Promise<PendingFile> => {
    const file = migration.name;
    if (!isSql(migration)) {
      return { file, kind: 'function', transaction: migration.transaction, statements: [] };
    }
    // Without a snapshot that it needs, a file is shown as it is written; the survey has a problem for it.
    const script = await toScript(migration, schema, isPublicRewritten, extensions).catch(() =>
      toScript(migration, schema, false, extensions),
    );
    const { inTransaction: transaction } = script;
    const texts = script.statements.map(({ sql }) => sql);
    const effects = readEffects(texts, schema, transaction);
    const statements = placeStatements(script).map((placed, at) => {
      return { ...placed, ...(effects[at] ?? unknownEffect) };
    });
    return { file, kind: 'sql', transaction, statements };
  });
}
