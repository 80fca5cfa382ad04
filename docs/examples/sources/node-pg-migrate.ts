import { MigrationBuilder } from 'node-pg-migrate';
import { definePlugin, type MigrationClient } from 'slipway';

type Up = (pgm: MigrationBuilder) => void | Promise<void>;

/** What node-pg-migrate's migrations export as `up`, in their order. */
const steps: Readonly<Record<string, Up>> = {
  '1714521600000_tasks': (pgm) => {
    pgm.createTable('tasks', { id: 'id', title: { type: 'text', notNull: true } });
    pgm.createIndex('tasks', 'title');
  },
  '1717200000000_first-task': async (pgm) => {
    pgm.sql(`INSERT INTO tasks (title) VALUES ('migrate')`);
  },
};

/** Writes the SQL of a migration with node-pg-migrate, and lets Slipway keep transaction, lock and history. */
async function applyUp(up: Up, client: MigrationClient): Promise<void> {
  const db = {
    query: client.query,
    select: async (...query: [text: string, values?: unknown[]]) =>
      (await client.query(...query)).rows,
  };
  const pgm = new MigrationBuilder(db as MigrationBuilder['db'], undefined, false, console);
  await up(pgm);
  for (const sql of pgm.getSqlSteps()) await client.query(sql);
}

export const tasks = definePlugin({
  id: 'tasks',
  migrations: Object.entries(steps).map(([name, up]) => ({
    name,
    run: (client: MigrationClient) => applyUp(up, client),
  })),
});
