import { defineConfig } from 'slipway';
import { RouteTable } from './http/routes.ts';
import { describeShop } from './shop.ts';

/** The shop for the command line: `npx slipway plan`, in this folder. It boots without the HTTP server. */
export default defineConfig(() => {
  const { DATABASE_URL: pool } = process.env;
  if (pool === undefined) throw new Error('DATABASE_URL has to name the database of the shop');
  return { ...describeShop(new RouteTable()), pool, history: true };
});
