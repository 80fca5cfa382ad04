import { problem, type Problem } from '../../core/error-codes.ts';
import { BootError } from '../../core/errors.ts';
import type { MigrationSettings } from '../../core/settings.ts';
import { isSql, type Migration } from '../sources/migration.ts';
import {
  findExtensionCommands,
  findHomelessExtensions,
  mayMakeExtensionSchema,
} from '../sql/extension-commands.ts';
import { readDirectives } from '../sql/file-marks.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import type { SqlText } from '../sql/sql-text.ts';
import type { TextPosition } from '../sql/text-position.ts';
import {
  missingSchemaAdvice,
  misplacedExtensions,
  schemasOnPath,
  type ExtensionFacts,
} from './extension-schemas.ts';

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
            const about = { plugin: id, file, ...placeExtension(sql, extension), hint };
            return problem('EXTENSION_SCHEMA_MISSING', message, about);
          }),
    ),
  );
}

function placeExtension(sql: SqlText, extension: string): Partial<TextPosition> {
  const found = findHomelessExtensions(sql).find(({ name }) => name === extension);
  return found ? sql.positionAt(found.start) : {};
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

/** An extension that a file makes. */
interface MadeExtension {
  readonly name: string;
  /** The version that the file names. */
  readonly version?: string;
}

/** An extension that the server does not have, at all or in this version. */
export interface UnavailableExtension {
  readonly name: string;
  readonly version: string | null;
  /** The versions that the server has. */
  readonly versions: readonly string[];
}

/** Lists every extension that the files make, each version once. */
function listMadeExtensions(files: readonly Migration[]): readonly MadeExtension[] {
  const made = files.filter(isSql).flatMap(({ sql }) => findExtensionCommands(sql));
  const byKey = new Map(made.map((each) => [JSON.stringify([each.name, each.version]), each]));
  return [...byKey.values()];
}

/**
 * An SQL expression of type json that gives each {@link UnavailableExtension}. The server reads its control files for it, so it
 * is asked only about what is not installed yet. With `pg_tle` nothing is certain, because its extensions are in no view.
 */
export function unavailableSql(files: readonly Migration[]): string {
  const made = listMadeExtensions(files);
  if (made.length === 0 || made.some(({ name }) => name === 'pg_tle')) return `'[]'::json`;
  const list = made.map(({ name, version }) => {
    return `(${quoteLiteral(name)}, ${version === undefined ? 'null' : quoteLiteral(version)})`;
  });
  return `(with made (name, version) as (
      select m.name, m.version::text from (values ${list.join(', ')}) m (name, version)
      where not exists (select from pg_extension e where e.extname in (m.name, 'pg_tle'))
    ), known as materialized (
      select v.name::text, v.version from pg_available_extension_versions v where exists (select from made)
    )
    select coalesce(json_agg(json_build_object('name', m.name, 'version', m.version, 'versions', (
        select coalesce(json_agg(k.version order by k.version), '[]') from known k where k.name = m.name))), '[]')
    from made m where not exists (
      select from known k where k.name = m.name and k.version = coalesce(m.version, k.version)))`;
}

/** Finds pending files with a `CREATE EXTENSION` that the server will refuse. */
export function findUnavailableExtensions(
  { id, pending }: Pick<PendingPlugin, 'id' | 'pending'>,
  unavailable: readonly UnavailableExtension[],
): readonly Problem[] {
  if (unavailable.length === 0) return [];
  return pending.filter(isSql).flatMap(({ name: file, sql }) =>
    findExtensionCommands(sql).flatMap(({ name, version, start }) => {
      const found = unavailable.find(
        (each) => each.name === name && each.version === (version ?? null),
      );
      if (!found) return [];
      const what = version === undefined ? name : `${name} in version ${version}`;
      const message = `${id}: ${file} makes the extension ${what}, which the server does not have`;
      const hint =
        found.versions.length === 0
          ? unavailableAdvice(name)
          : `The server has ${found.versions.join(', ')}: remove VERSION from ${file}, or update the package of the extension where PostgreSQL runs.`;
      const about = { plugin: id, file, ...sql.positionAt(start), hint };
      return problem('EXTENSION_UNAVAILABLE', message, about);
    }),
  );
}

/** The names of packages that differ from the name of the extension. */
const packages: Readonly<Record<string, string>> = {
  vector: 'pgvector',
  postgis: 'PostGIS',
  timescaledb: 'TimescaleDB',
};

/** Writes what to do about an extension that the server does not have. */
export function unavailableAdvice(name: string): string {
  const packageName = packages[name];
  const called =
    packageName === undefined ? `The package of ${name}` : `The package ${packageName}`;
  return `${called} is missing where PostgreSQL runs: install it there (an image of PostgreSQL brings only its own extensions), or use a provider that has it. SELECT name FROM pg_available_extensions; lists what this server has.`;
}
