export { startPostgres } from './start-postgres.ts';
export type { PostgresServer } from './start-postgres.ts';
export type { StartPostgresOptions } from './start-options.ts';
