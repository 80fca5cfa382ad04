import type { MigrationSettings } from '../../core/settings.ts';
import type { Migration } from '../sources/migration.ts';
import { historyTable } from '../history/migration-history.ts';
import { textArray } from '../sql/identifier.ts';
import {
  extensionFactsSql,
  noExtensions,
  schemasOnPath,
  wantedExtensions,
  type ExtensionFacts,
} from './extension-schemas.ts';
import { publicExtensionsSql, type PublicExtension } from './public-extensions.ts';
import { publicObjectsSql, type PublicObject } from './public-objects.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';
import { renamableColumns, type RenamableSchema } from './rename-plan.ts';
import { unavailableSql, type UnavailableExtension } from './unavailable-extensions.ts';

/** The facts that only some boots need. */
export interface SurveyDetails {
  readonly extensions: ExtensionFacts;
  readonly inPublic: readonly PublicObject[];
  /** The schemas whose comment has a rename marker. */
  readonly renamed: readonly CommentedSchema[];
  /** The extensions of files that the server does not have. */
  readonly unavailable: readonly UnavailableExtension[];
  /** Empty when `public` is on the path of the plugins. */
  readonly publicExtensions: readonly PublicExtension[];
  readonly owned: readonly OwnedSchema[];
}

/** What is needed of a schema before it is changed. */
export interface OwnedSchema extends RenamableSchema {
  /** The sequence of the history's ids, when the role may not use it. An insert needs that right too. */
  readonly closedSequence: string | null;
}

/** The details when no question was asked. */
export const noDetails: SurveyDetails = {
  extensions: noExtensions,
  inPublic: [],
  renamed: [],
  unavailable: [],
  publicExtensions: [],
  owned: [],
};

/** The part of {@link SurveyDetails} that a question answers, each field an SQL expression of type json. */
export type Question = Readonly<Partial<Record<keyof SurveyDetails, string>>>;

/** Asks where extensions are, which the plugins need even when nothing is pending. */
export function extensionQuestion(settings: MigrationSettings): Question {
  return { extensions: extensionFactsSql(settings, []) };
}

/** Asks which objects of plugins may be in `public`. */
export function publicQuestion(schemas: readonly string[]): Question {
  return { inPublic: publicObjectsSql(schemas) };
}

/** Asks for everything that may prevent a change. */
export function changeQuestion(
  schemas: readonly string[],
  files: readonly Migration[],
  settings: MigrationSettings,
): Question {
  const isPublicOnPath = schemasOnPath(settings).includes('public');
  return {
    extensions: extensionFactsSql(settings, wantedExtensions(files)),
    renamed: markedSchemasSql,
    unavailable: unavailableSql(files),
    owned: ownedSchemasSql(schemas),
    ...(isPublicOnPath ? {} : { publicExtensions: publicExtensionsSql }),
  };
}

/** Makes one statement for several questions; its only column `details` is {@link SurveyDetails} as JSON. */
export function detailsSql(questions: readonly Question[]): string {
  const fields = Object.entries(Object.assign({}, ...questions) as Record<string, string>);
  const list = fields.map(([name, sql]) => `'${name}', ${sql}`);
  return `select json_build_object(${list.join(', ')})::text as details`;
}

function ownedSchemasSql(schemas: readonly string[]): string {
  return `(
    select coalesce(json_agg(json_build_object(
      ${renamableColumns},
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
