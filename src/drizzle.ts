export { createScopedDatabase } from './postgres/scoped/scoped-database.ts';
export type { ScopedPoolOptions } from './postgres/scoped/scoped-pool.ts';
