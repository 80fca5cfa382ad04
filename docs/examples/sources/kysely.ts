import { Kysely, PostgresDialect, sql, type Generated } from 'kysely';
import { definePlugin, serviceRef, type MigrationClient } from 'slipway';

interface Tables {
  readonly notes: { readonly id: Generated<number>; readonly title: string };
}

export interface Notes {
  add(title: string): Promise<void>;
  titles(): Promise<readonly string[]>;
}
export const notesApi = serviceRef<Notes>('notes.api');

/** What would be the files of Kysely's own Migrator, in their order. */
const steps: Readonly<Record<string, (db: Kysely<Tables>) => Promise<unknown>>> = {
  '2024-05-01-notes': (db) =>
    db.schema
      .createTable('notes')
      .addColumn('id', 'integer', (id) => id.primaryKey().generatedAlwaysAsIdentity())
      .addColumn('title', 'text', (title) => title.notNull())
      .execute(),
  '2024-06-01-first-note': async (db) => {
    await db.insertInto('notes').values({ title: 'welcome' }).execute();
    await sql`comment on table notes is 'by Kysely'`.execute(db);
  },
};

/** Kysely on the one client of a migration. Slipway begins and ends the transaction, so there is no `db.transaction()`. */
function kyselyOn(client: MigrationClient): Kysely<Tables> {
  const pool = { connect: async () => client, end: async () => undefined };
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}

export const notes = definePlugin({
  id: 'notes',
  migrations: Object.entries(steps).map(([name, up]) => ({
    name,
    run: (client: MigrationClient) => up(kyselyOn(client)),
  })),
  database: (pool) => new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }),
  provides: { notesApi },
  init: ({ database }) => ({
    notesApi: {
      async add(title) {
        await database.insertInto('notes').values({ title }).execute();
      },
      async titles() {
        const rows = await database.selectFrom('notes').select('title').orderBy('id').execute();
        return rows.map(({ title }) => title);
      },
    },
  }),
});
