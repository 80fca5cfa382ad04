import pg from 'pg';
import { migrateFleet, planFleet, type FleetTarget, type MigrationFunction } from 'slipway';
import { startPostgres } from 'slipway/testing';

const run = (name: string, sql: string): MigrationFunction => ({
  name,
  run: (client) => client.query(sql),
});
const release = (...migrations: readonly MigrationFunction[]) => {
  return () => ({ plugins: [{ id: 'shop', migrations }] });
};
const orders = run('0000_orders', 'CREATE TABLE orders (id int, price int)');

// A server with a database for each customer.
await using postgres = await startPostgres();
const admin = new pg.Client({ connectionString: postgres.url });
await admin.connect();
const targets: FleetTarget[] = [];
for (const name of ['acme', 'globex', 'hooli', 'initech', 'umbrella']) {
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  targets.push({ name, url: url.href });
}
await admin.end();

const first = await migrateFleet({ targets, boot: release(orders) });
console.log(first.outcome, first.counts.done, 'of', first.listed);

// The next release has a file that fails: the canary finds it.
const broken = release(orders, run('0001_total', 'ALTER TABLE order ADD total int'));
const second = await migrateFleet({ targets, boot: broken, canary: 1 });
for (const { name, outcome } of second.databases) console.log(name, outcome);
for (const { code, file, databases } of second.failures) console.log(code, file, databases);

// It is corrected. A plan shows what is left; the same call as before goes on there.
const fixed = release(orders, run('0001_total', 'ALTER TABLE orders ADD total int'));
const { behind } = await planFleet({ targets, boot: fixed });
for (const { databases, pending } of behind) console.log(databases.length, 'lack', pending);
const third = await migrateFleet({ targets, boot: fixed, canary: 1 });
console.log(third.outcome, third.counts.done, 'of', third.listed);
