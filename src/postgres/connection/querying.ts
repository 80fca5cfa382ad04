import type { QueryAnswer } from './connection.ts';

/** Whatever runs one query at a time. */
export interface Querying {
  query<Row>(text: string, values?: readonly unknown[]): Promise<QueryAnswer<Row>>;
}
