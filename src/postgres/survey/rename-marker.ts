/** The record of a rename in the comment on a schema. */
interface RenameMarker {
  /** The id of the plugin that has the schema now. */
  readonly plugin: string;
  /** Every former name of the schema. */
  readonly from: readonly string[];
}

/** A schema that was renamed, by the name it has now. */
export interface RenamedSchema extends RenameMarker {
  readonly schema: string;
}

/** A schema with its comment. */
export interface CommentedSchema {
  readonly name: string;
  readonly comment: string;
}

const mark = 'slipway: renamed ';
const markedLine = new RegExp(`^${mark}({.*})$`, 'm');

/**
 * An SQL expression of type json that gives the {@link CommentedSchema}s with a marker. Every role may read comments,
 * and they stay with the schema: in dumps, and through further renames.
 */
export const markedSchemasSql = `(select coalesce(json_agg(json_build_object('name', n.nspname, 'comment', d.description) order by n.nspname), '[]')
    from pg_namespace n join pg_description d
      on d.classoid = 'pg_namespace'::regclass and d.objoid = n.oid and d.objsubid = 0
    where position('${mark}' in d.description) > 0)`;

/** Reads the marker in a comment; `undefined` when there is none, or when it was edited by hand. */
export function readMarker(comment: string): RenameMarker | undefined {
  const written = markedLine.exec(comment)?.[1];
  if (written === undefined) return undefined;
  try {
    const { plugin, from } = JSON.parse(written) as Partial<RenameMarker>;
    return typeof plugin === 'string' && Array.isArray(from) ? { plugin, from } : undefined;
  } catch {
    return undefined;
  }
}

/** Puts a marker into a comment, in place of an older one. The rest of the comment stays. */
export function writeMarker(comment: string, { plugin, from }: RenameMarker): string {
  const kept = comment.replace(markedLine, '').trimEnd();
  const line = mark + JSON.stringify({ plugin, from });
  return kept === '' ? line : `${kept}\n${line}`;
}

/** Finds the schema that was once called `schema`, with its plugin. */
export function findRenamed(
  schema: string,
  marked: readonly CommentedSchema[],
): RenamedSchema | undefined {
  for (const { name, comment } of marked) {
    const marker = name === schema ? undefined : readMarker(comment);
    if (marker?.from.includes(schema)) return { ...marker, schema: name };
  }
  return undefined;
}
