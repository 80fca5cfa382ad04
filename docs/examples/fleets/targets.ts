import pg from 'pg';
import type { FleetTarget } from 'slipway';

/** Reads the databases of all customers from a table of the main database. */
export default async function listTargets(): Promise<readonly FleetTarget[]> {
  const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
  await client.connect();
  try {
    const { rows } = await client.query<FleetTarget>(
      'SELECT name, url, canary FROM customers ORDER BY name',
    );
    return rows;
  } finally {
    await client.end();
  }
}
