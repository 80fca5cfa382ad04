import type { ClientQuery } from '../connection/connection.ts';
import type { Migration } from '../sources/migration.ts';
import type { SqlText } from '../sql/sql-text.ts';

/** A statement of a migration, on its way to PostgreSQL. */
export interface WorkStatement {
  readonly query: ClientQuery;
  /** What the query says. */
  readonly sql: Pick<SqlText, 'commands'>;
  /** Whether the query ends inside a literal, a quoted name or a block comment: it would swallow what is sent behind it. */
  readonly isLeftOpen: boolean;
  /** Counts from 1. */
  readonly number: number;
  /** How many there are; a function does not say. */
  readonly count?: number;
  /** The text that its author wrote, and the place in it of the character at `index` of the query's; of the first SQL unless told. */
  readonly origin: (index?: number) => { readonly text: string; readonly index: number };
}

/** Sends one statement, with all that guards it, and gives what pg answers. */
export type SendStatement = (statement: WorkStatement) => Promise<unknown>;

/** A migration that is ready to run. */
export interface MigrationWork {
  readonly file: Migration;
  /** Whether it runs in a transaction, with its history row; else alone, and the row comes after it. */
  readonly inTransaction: boolean;
  /** Whether it may make something outside of its schema. */
  readonly mayReachOut: boolean;
  /** Does all of it by way of `send`. Once it has settled, nothing of it goes on. */
  run(send: SendStatement): Promise<void>;
}
