import { defineConfig } from 'slipway';
import type { Plugin } from 'slipway';
import { RouteTable } from '../http/routes.ts';
import { describeShop } from '../shop.ts';
import { failed } from './failed.ts';

/** The shop with a migration that fails: `npx slipway migrate --config situations/failed.config.ts`. */
export default defineConfig(async () => {
  const { DATABASE_URL: pool } = process.env;
  if (pool === undefined) throw new Error('DATABASE_URL has to name the database of the shop');
  let plugins: readonly Plugin[] = [];
  // Nothing of the demo's stage takes part in it.
  await failed.play(undefined as never, async (given) => void (plugins = given));
  return { ...describeShop(new RouteTable()), plugins, pool };
});
