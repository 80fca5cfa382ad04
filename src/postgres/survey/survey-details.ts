import { historyTable } from '../history/migration-history.ts';
import { textArray } from '../sql/identifier.ts';
import {
  extensionFactsSql,
  noExtensions,
  type ExtensionFacts,
  type ExtensionSetting,
} from './extension-schemas.ts';
import { publicExtensionsSql, type PublicExtension } from './public-extensions.ts';
import { publicObjectsSql, type PublicObject } from './public-objects.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';
import { renamableColumns, type RenamableSchema } from './rename-plan.ts';
import {
  unavailableSql,
  type MadeExtension,
  type UnavailableExtension,
} from './unavailable-extensions.ts';

/** What only some boots have to know. */
export interface SurveyDetails {
  readonly extensions: ExtensionFacts;
  readonly inPublic: readonly PublicObject[];
  /** Schemas that say of themselves that they were renamed. */
  readonly renamed: readonly CommentedSchema[];
  /** Of the extensions that files make, those that the server cannot. */
  readonly unavailable: readonly UnavailableExtension[];
  /** Empty when `public` is on the path of the plugins. */
  readonly publicExtensions: readonly PublicExtension[];
  readonly owned: readonly OwnedSchema[];
}

/** What has to be known of a schema before it is changed. */
export interface OwnedSchema extends RenamableSchema {
  /** The sequence of the history's ids, when the role may not take one: an insert needs that right too. */
  readonly closedSequence: string | null;
}

/** What counts while it is not asked. */
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

/** What the plugins need even when nothing is pending: where extensions are. */
export function extensionQuestion(setting: ExtensionSetting): Question {
  return { extensions: extensionFactsSql(setting, []) };
}

/** What of a plugin may be in `public`. */
export function publicQuestion(schemas: readonly string[]): Question {
  return { inPublic: publicObjectsSql(schemas) };
}

/** What is asked about the files that are read. */
interface AskedExtensions {
  readonly setting: ExtensionSetting;
  /** Extensions that files make without a schema. */
  readonly wanted: readonly string[];
  /** Every extension that files make. */
  readonly made: readonly MadeExtension[];
}

/** What could stand in the way of a change. */
export function changeQuestion(
  schemas: readonly string[],
  { setting, wanted, made }: AskedExtensions,
): Question {
  const isPublicOnPath = setting !== 'auto' && setting.includes('public');
  return {
    extensions: extensionFactsSql(setting, wanted),
    renamed: markedSchemasSql,
    unavailable: unavailableSql(made),
    owned: ownedSchemasSql(schemas),
    ...(isPublicOnPath ? {} : { publicExtensions: publicExtensionsSql }),
  };
}

/** One statement for several questions; its only column `details` is {@link SurveyDetails} as JSON. */
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
