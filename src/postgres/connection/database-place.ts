import { Client } from 'pg';
import { toClientConfig, type DatabaseSource } from './connection.ts';

/**
 * Names the database that a pool connects to, as its configuration does. Nothing connects, and no user or password is in it.
 *
 * @example nameDatabase('postgres://ann:secret@db.internal/shop') // 'db.internal/shop'
 */
export function nameDatabase(source: DatabaseSource): string {
  const { host, port, database } = readPlace(source);
  return `${host}${port === defaultPort ? '' : `:${port}`}/${database}`;
}

const defaultPort = 5432;

interface Place {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** pg reads the variables of the environment, too. */
function readPlace(source: DatabaseSource): Place {
  const { host, port, database = '' } = new Client(toClientConfig(source));
  return { host, port, database };
}
