/** What a renamed schema says of itself. */
interface RenameMarker {
  /** The id of the plugin that has it now. */
  readonly plugin: string;
  /** Every name that it had before. */
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
 * An SQL expression of type json that gives the {@link CommentedSchema}s that bear a marker. Everybody may read comments, and
 * they go where the schema goes: into dumps, and through further renames.
 */
export const markedSchemasSql = `(select coalesce(json_agg(json_build_object('name', n.nspname, 'comment', d.description) order by n.nspname), '[]')
    from pg_namespace n join pg_description d
      on d.classoid = 'pg_namespace'::regclass and d.objoid = n.oid and d.objsubid = 0
    where position('${mark}' in d.description) > 0)`;

/** The marker in a comment; `undefined` when there is none, or somebody has edited it. */
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

/** A comment with a marker in place of the one it had; whatever else it says stays. */
export function writeMarker(comment: string, { plugin, from }: RenameMarker): string {
  const kept = comment.replace(markedLine, '').trimEnd();
  const line = mark + JSON.stringify({ plugin, from });
  return kept === '' ? line : `${kept}\n${line}`;
}

/** The schema that was once called `schema`, and whose it is now. */
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
