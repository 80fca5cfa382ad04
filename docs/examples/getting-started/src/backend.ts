import type { BootOptions } from 'slipway';
import { catalog } from './catalog.ts';
import { orders } from './orders.ts';

export const backend: BootOptions = {
  pool: process.env['DATABASE_URL'] ?? 'postgres://localhost/shop',
  plugins: [orders, catalog],
};
