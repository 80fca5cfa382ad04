import pg from 'pg';
import { createBoot, definePlugin, type MigrationFunction } from 'slipway';
import { startPostgres } from 'slipway/testing';

const run = (name: string, sql: string): MigrationFunction => ({
  name,
  run: (client) => client.query(sql),
});

// The table of the names is the host's.
const host = { migrations: [run('0000_tenants', 'CREATE TABLE tenants (name text PRIMARY KEY)')] };

const shop = definePlugin({
  id: 'shop',
  migrations: [run('0000_orders', 'CREATE TABLE orders (id int PRIMARY KEY)')],
  async tenants({ query }) {
    // On the first boot the table is not there yet.
    const found = await query(`SELECT to_regclass('public.tenants') IS NOT NULL AS is_there`);
    if (found.rows[0]?.['is_there'] !== true) return [];
    const { rows } = await query<{ name: string }>('SELECT name FROM public.tenants ORDER BY name');
    return rows.map(({ name }) => name);
  },
  async init({ tenants }) {
    for (const name of tenants.names) {
      const { rows } = await tenants.database(name).query('SELECT id FROM orders');
      console.log(name, 'in', tenants.schema(name), 'has', rows);
    }
  },
});

await using postgres = await startPostgres();
const pool = new pg.Pool({ connectionString: postgres.url });

await using first = createBoot({ pool, host, plugins: [shop] });
await first.start();

// Two customers sign up while the boot is up.
await pool.query(`INSERT INTO tenants VALUES ('acme'), ('globex')`);
const { migrated } = await first.migrateTenants('shop');
for (const { tenant, applied } of migrated) console.log(tenant, 'got', applied);
await first.database('shop/globex').query('INSERT INTO orders VALUES (1)');
await first.stop();

await using next = createBoot({ pool, host, plugins: [shop] });
const report = await next.start();
const { total, upToDate } = report.plugins[1]!.migrate.tenants!;
console.log(`${upToDate} of ${total} tenants are up to date`);

await next.stop();
await pool.end();
