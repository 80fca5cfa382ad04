import pg from 'pg';
import { createBoot, definePlugin, type MigrationFunction, type Rehearsal } from 'slipway';
import { startPostgres } from 'slipway/testing';

const run = (name: string, sql: string): MigrationFunction => ({
  name,
  run: (client) => client.query(sql),
});

const first = run(
  '0000_orders',
  'CREATE TABLE orders AS SELECT n AS id, n AS total FROM generate_series(1, 1000) n',
);
const release = (...next: readonly MigrationFunction[]) =>
  definePlugin({ id: 'shop', migrations: [first, ...next] });

function show({ plugins }: Rehearsal): void {
  for (const { file, outcome, locks = [], rewrites = [], blockers = [] } of plugins[0]!.files) {
    console.log(file, outcome);
    for (const { mode, relation } of locks) console.log('  locks', relation, 'in', mode);
    for (const { kind, relation } of rewrites) console.log('  writes the', kind, relation, 'anew');
    for (const { applicationName, relation } of blockers) {
      console.log(`  waits for ${applicationName} on ${relation}`);
    }
  }
}

await using postgres = await startPostgres();
const pool = new pg.Pool({ connectionString: postgres.url, application_name: 'report' });

await using before = createBoot({ pool, plugins: [release()] });
await before.migrate();

// The next release. Its migrations are functions here, which are run only on request.
await using next = createBoot({
  pool,
  plugins: [
    release(
      run('0001_total', 'ALTER TABLE orders ALTER COLUMN total TYPE bigint'),
      run('0002_note', 'ALTER TABLE orders ADD COLUMN note text'),
    ),
  ],
});

const plan = await next.plan({ rehearse: { within: '2s', functions: true } });
show(plan.rehearsal!);

// A report reads the table meanwhile, in a transaction that stays open.
const client = await pool.connect();
await client.query('BEGIN; SELECT count(*) FROM plugin_shop.orders');
const blocked = await next.plan({ rehearse: { functions: true } });
show(blocked.rehearsal!);
await client.query('ROLLBACK');
client.release();

const { rows } = await pool.query(
  `SELECT pg_typeof(total) AS type FROM plugin_shop.orders LIMIT 1`,
);
console.log('nothing has changed: total is still', rows[0].type);
await pool.end();
