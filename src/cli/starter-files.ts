/** How the files of a project are written. */
export interface Dialect {
  /** The ending of a module: `ts`, or `mts` and `mjs` where a plain ending would mean CommonJS. */
  readonly ending: 'ts' | 'mts' | 'js' | 'mjs';
  /** The folder of the sources, with a slash: `src/`, or nothing. */
  readonly sources: string;
  /** The name of the database, as long as `DATABASE_URL` is not set. */
  readonly database: string;
}

/** The first files of a project by their path: a config, and a plugin with one migration. */
export function writeStarterFiles({
  ending,
  sources,
  database,
}: Dialect): Readonly<Record<string, string>> {
  const plugin = `${sources}plugins/notes`;
  return {
    [`slipway.config.${ending}`]: `import { defineConfig } from 'slipway';
import { notes } from './${plugin}/index.${ending}';

// The commands of slipway read this file. A backend of your own can start the same boot:
//   await createBoot(config).start();
export default defineConfig({
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost:5432/${database}',
  plugins: [notes],
});
`,
    [`${plugin}/index.${ending}`]: `import { definePlugin, sqlFiles } from 'slipway';

// Its tables are in the schema plugin_notes. Every migration has run before init is called.
export const notes = definePlugin({
  id: 'notes',
  // Or the folder that drizzle-kit writes: new URL('./drizzle', import.meta.url)
  migrations: sqlFiles(new URL('./migrations', import.meta.url)),
  async init({ database, logger, onStop }) {
    const { rows } = await database.query('SELECT text FROM notes ORDER BY id');
    logger.info({ notes: rows.length }, 'the notes are there');
    onStop(() => logger.info('the notes are closed'));
  },
});
`,
    [`${plugin}/migrations/0001_notes.sql`]: `CREATE TABLE notes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO notes (text) VALUES ('The first note');
`,
  };
}
