import type { MigrationSettings } from '../../core/settings.ts';
import { historyTable } from '../history/migration-history.ts';
import { markedHistoriesSql, type CommentedHistory } from '../history/replaced-marker.ts';
import { foreignHistoriesSql, type FoundTable } from '../history/tool-histories.ts';
import type { DoneCommand } from '../history/unfinished-file.ts';
import { isSql, readLongTexts, type Migration } from '../sources/migration.ts';
import { namesExtensions } from '../sql/extension-commands.ts';
import { textArray } from '../sql/identifier.ts';
import type { SchemaRights, ServerFacts } from './ask-server.ts';
import { unavailableSql, type UnavailableExtension } from './extension-problems.ts';
import {
  extensionFactsSql,
  noExtensions,
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
} from './extension-schemas.ts';
import type { FurtherSchema } from './further-schemas.ts';
import { publicExtensionsSql, type PublicExtension } from './public-extensions.ts';
import {
  markedSchemasSql,
  renamableColumns,
  type CommentedSchema,
  type RenamableSchema,
} from './schema-names.ts';
import type { PublicObject } from './stranded-objects.ts';

/** The answers of the catalogs. */
export interface DatabaseFacts extends ServerFacts, Omit<Details, 'owned'> {
  readonly schemas: readonly SchemaFacts[];
}

/** The answers about a schema; the second part is asked only where something may be changed. */
export type SchemaFacts = SchemaRights & OwnedSchema;

/** The facts that only some boots need. */
export interface Details {
  readonly extensions: ExtensionFacts;
  readonly inPublic: readonly PublicObject[];
  /** The schemas whose comment has a rename marker. */
  readonly renamed: readonly CommentedSchema[];
  /** The histories whose comment says which rows are gone. */
  readonly replaced: readonly CommentedHistory[];
  /** The extensions of files that the server does not have. */
  readonly unavailable: readonly UnavailableExtension[];
  /** Empty when `public` is on the path of the plugins. */
  readonly publicExtensions: readonly PublicExtension[];
  readonly owned: readonly OwnedSchema[];
  readonly unfinished: readonly UnfinishedRow[];
  readonly further: readonly FurtherSchema[];
  /** The histories of other tools in the schemas in question. */
  readonly otherHistories: readonly FoundTable[];
}

/** A command that has run, of a file in this schema that is unfinished. */
type UnfinishedRow = DoneCommand & { readonly schema: string };

/** The facts that are needed of a schema before it is changed. */
interface OwnedSchema extends RenamableSchema {
  /** The sequence of the history's ids, when the role may not use it. An insert needs that right too. */
  readonly closedSequence: string | null;
  /** Whether the role may put a comment on the history; true when there is none. */
  readonly isHistoryOwned: boolean;
}

/** SQL expressions of type json, each for one of the {@link Details}. */
export type Questions = Readonly<Partial<Record<keyof Details, string>>>;

/**
 * The questions about everything that may prevent a change.
 *
 * @param files The files that may be pending.
 */
export async function changeQuestions(
  schemas: readonly string[],
  files: readonly Migration[],
  settings: MigrationSettings,
): Promise<Questions> {
  await readLongTexts(
    files.filter((file) => isSql(file) && (!file.sql.isRead || namesExtensions(file.sql))),
  );
  const isPublicOnPath = schemasOnPath(settings).includes('public');
  return {
    extensions: extensionFactsSql(settings, wantedExtensions(files)),
    renamed: markedSchemasSql,
    replaced: markedHistoriesSql,
    unavailable: unavailableSql(files),
    owned: ownedSchemasSql(schemas),
    otherHistories: foreignHistoriesSql(schemas),
    ...(isPublicOnPath ? {} : { publicExtensions: publicExtensionsSql }),
  };
}

function ownedSchemasSql(schemas: readonly string[]): string {
  return `(
    select coalesce(json_agg(json_build_object(
      ${renamableColumns},
      'isHistoryOwned', coalesce((
        select pg_has_role(c.relowner, 'USAGE') from pg_class c
        where c.relnamespace = n.oid and c.relname = '${historyTable}'), true),
      'closedSequence', (
        select s.relname from pg_class c
          join pg_depend d on d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
            and d.refobjid = c.oid and d.deptype = 'a'
          join pg_class s on s.oid = d.objid and s.relkind = 'S'
        where c.relnamespace = n.oid and c.relname = '${historyTable}'
          and not has_sequence_privilege(s.oid, 'USAGE, UPDATE')
        limit 1))), '[]')
    from pg_namespace n where n.nspname = any(${textArray(schemas)}))`;
}

/** Adds the answers to the facts of the first statement; what was not asked is nothing, or allowed. */
export function mergeFacts(
  facts: ServerFacts,
  { owned = [], ...details }: Partial<Details>,
): DatabaseFacts {
  const byName = new Map(owned.map((schema) => [schema.name, schema]));
  const unasked = { isEmpty: false, isOwned: true, closedSequence: null, isHistoryOwned: true };
  return {
    ...facts,
    extensions: noExtensions,
    inPublic: [],
    renamed: [],
    replaced: [],
    unavailable: [],
    publicExtensions: [],
    unfinished: [],
    further: [],
    otherHistories: [],
    ...details,
    schemas: facts.schemas.map((schema) => ({
      ...schema,
      ...(byName.get(schema.name) ?? unasked),
    })),
  };
}
