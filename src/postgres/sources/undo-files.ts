/** A file that takes a migration back. */
interface UndoFile {
  /** Its name without `.sql`. */
  readonly tag: string;
  /** A tool that names such files so; undefined when it is no tool's own habit. */
  readonly tool: string | undefined;
}

/** Names that say it alone, as the docs of the tool have them. */
const surely: readonly (readonly [pattern: RegExp, tool?: string])[] = [
  // https://www.npmjs.com/package/postgrator: 001.undo.sql, 002.undo.optional-description.sql
  [/^\d+\.undo(?:\.|$)/i, 'Postgrator'],
  // https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md; sqlx and Hasura do the same.
  [/\.down$/i, 'golang-migrate'],
  [/\.(?:undo|rollback|revert)$/i],
  // https://documentation.red-gate.com/fd/undo-migrations-273973337.html: U1__name.sql
  [/^U\d[\d._]*__/, 'Flyway'],
  // https://docs.rs/diesel_migrations: up.sql and down.sql in the folder of a migration
  [/^down$/i, 'Diesel'],
];

/** Names that may be those of a migration (`0004_slow_down`), unless the way up stands beside them, as db-migrate has it. */
const perhaps = /[_-](?:down|undo|rollback|revert)$/i;

/** Finds the first name among those of a folder that is one of a way down. */
export function findUndoFile(tags: readonly string[]): UndoFile | undefined {
  const all = new Set(tags.map((tag) => tag.toLowerCase()));
  for (const tag of tags) {
    const named = surely.find(([pattern]) => pattern.test(tag));
    if (named) return { tag, tool: named[1] };
    const base = tag.toLowerCase().replace(perhaps, '');
    const hasUp = ['', '-up', '_up'].some((end) => all.has(base + end));
    if (perhaps.test(tag) && hasUp) return { tag, tool: undefined };
  }
  return undefined;
}
