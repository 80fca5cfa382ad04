import {
  extensionFactsSql,
  type ExtensionFacts,
  type ExtensionSetting,
} from './extension-schemas.ts';
import { quoteLiteral } from '../sql/identifier.ts';
import { historyColumns, historyOf, historyTable, shapeOf } from '../history/migration-history.ts';
import { publicObjectsSql, type PublicObject } from './public-objects.ts';
import { publicExtensionsSql, type PublicExtension } from './public-extensions.ts';
import { markedSchemasSql, type CommentedSchema } from './rename-marker.ts';
import {
  unavailableSql,
  type MadeExtension,
  type UnavailableExtension,
} from './unavailable-extensions.ts';
import { renamableColumns, type RenamableSchema } from './rename-plan.ts';

export interface DatabaseAnswer {
  readonly pid: number;
  readonly server: string;
  readonly readOnly: boolean;
  readonly role: string;
  readonly database: string;
  readonly canCreateSchema: boolean;
  readonly schemas: readonly SchemaAnswer[];
  readonly inPublic: readonly PublicObject[];
  /** Schemas that say of themselves that they were renamed. */
  readonly renamed: readonly CommentedSchema[];
  readonly extensions: ExtensionFacts;
  /** Of the extensions that files make, those that the server cannot. */
  readonly unavailable: readonly UnavailableExtension[];
  /** Empty when `public` is on the path of the plugins. */
  readonly publicExtensions: readonly PublicExtension[];
}

export interface SchemaAnswer extends RenamableSchema {
  readonly canUse: boolean;
  readonly canCreate: boolean;
  readonly history: {
    readonly columns: readonly string[];
    readonly canRead: boolean;
    readonly canWrite: boolean;
    /** The sequence of its ids, when the role may not take one: whoever inserts needs that too. */
    readonly closedSequence: string | null;
  } | null;
}

/**
 * The first statement of the survey: the server, the role's rights, and which of the schemas `$1` exist, with their
 * histories, and what is in `public`. One text of JSON, so that no type parser of the host's can change it. Only catalogs, which
 * everyone may read.
 *
 * @param wanted Extensions that files make without a schema.
 * @param made Every extension that files make.
 */
export function factsSql(
  setting: ExtensionSetting,
  wanted: readonly string[],
  made: readonly MadeExtension[],
): string {
  return `
select json_build_object(
  'pid', pg_backend_pid(),
  'server', split_part(current_setting('server_version'), ' ', 1),
  'readOnly', current_setting('transaction_read_only') = 'on',
  'role', current_user,
  'database', current_database(),
  'canCreateSchema', has_database_privilege(current_database(), 'CREATE'),
  'renamed', ${markedSchemasSql},
  'extensions', ${extensionFactsSql(setting, wanted)},
  'unavailable', ${unavailableSql(made)},
  'publicExtensions', ${setting !== 'auto' && setting.includes('public') ? `'[]'::json` : publicExtensionsSql},
  'schemas', coalesce((
    select json_agg(json_build_object(
      ${renamableColumns},
      'canUse', has_schema_privilege(n.oid, 'USAGE'),
      'canCreate', has_schema_privilege(n.oid, 'CREATE'),
      'history', (
        select json_build_object(
          'columns', (
            select coalesce(json_agg(a.attname), '[]') from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
          'canRead', has_table_privilege(c.oid, 'SELECT'),
          'canWrite', has_table_privilege(c.oid, 'INSERT'),
          'closedSequence', (
            select s.relname from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
            where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
              and d.refobjid = c.oid and d.deptype = 'a' and not has_sequence_privilege(s.oid, 'USAGE, UPDATE')
            limit 1))
        from pg_class c where c.relnamespace = n.oid and c.relname = '${historyTable}')))
    from pg_namespace n where n.nspname = any($1::text[])), '[]'),
  'inPublic', ${publicObjectsSql}
)::text as facts`;
}

/** Whether the second statement can read this schema's history. */
export function isReadable({ canUse, history }: SchemaAnswer): boolean {
  return (
    canUse &&
    history?.canRead === true &&
    ['hash', 'created_at'].every((column) => history.columns.includes(column))
  );
}

/** The second statement: all histories at once, each by its own columns. */
export function historiesSql(schemas: readonly SchemaAnswer[]): string {
  return schemas
    .map(
      ({ name, history }) =>
        `select ${quoteLiteral(name)} as schema, ${historyColumns(shapeOf(history?.columns ?? []))} from ${historyOf(name)}`,
    )
    .join(' union all ');
}
