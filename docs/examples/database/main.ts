import { tracingChannel } from 'node:diagnostics_channel';
import { drizzle } from 'drizzle-orm/node-postgres';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import { createBoot, definePlugin } from 'slipway';
import { startPostgres } from 'slipway/testing';

// Two plugins, each with a table of this name. Neither names its schema.
const notes = pgTable('notes', { id: serial('id').primaryKey(), body: text('body').notNull() });

const plugin = (id: string) =>
  definePlugin({
    id,
    migrations: [
      {
        name: '0000_notes',
        run: (client) => client.query('CREATE TABLE notes (id serial PRIMARY KEY, body text)'),
      },
    ],
    database: (pool) => drizzle({ client: pool, schema: { notes } }),
    async init({ database }) {
      await database.transaction(async (tx) => {
        await tx.insert(notes).values({ body: `written by ${id}` });
      });
      console.log(id, 'reads', await database.query.notes.findMany());
    },
  });

tracingChannel<unknown, { plugin: string; text: string }>('slipway.query').subscribe({
  start: ({ plugin: id, text: sql }) => console.log(id, 'sends', sql),
  end() {},
  asyncStart() {},
  asyncEnd() {},
  error() {},
});

await using postgres = await startPostgres();
await using boot = createBoot({
  pool: postgres.url,
  plugins: [plugin('crew'), plugin('cargo')],
  init: { concurrency: 1 },
});
await boot.start();

// The host's own code, from the end of the migrations on.
const { rows } = await boot.database('cargo').query('SELECT current_schema(), body FROM notes');
console.log('the host reads', rows);
