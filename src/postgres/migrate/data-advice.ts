import { quoteIdentifier } from '../sql/identifier.ts';

/** The parts of pg's DatabaseError that say which rows do not fit. */
interface DataError {
  readonly code?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly detail?: string;
}

/** Says how to find the rows that a constraint refuses: PostgreSQL itself names one of them at most. */
export function adviceForData(cause: unknown, culprit: string): string {
  const { code, schema, table, column, detail } = cause as DataError;
  const where =
    schema && table ? `${quoteIdentifier(schema)}.${quoteIdentifier(table)}` : undefined;
  const correct = `correct them in ${culprit}, before this statement, or in a file before it`;
  if (where === undefined) return `The data does not fit: find the rows, and ${correct}.`;
  // The columns are the only thing in a detail that is in no language: `Key (a, b)=(1, 2) is duplicated.`
  const columns = /\(([^()]+)\)=\(/.exec(detail ?? '')?.[1];
  switch (code) {
    case '23502':
      return `A row of ${where} has no value in ${column}. A new column of a table with rows needs a DEFAULT; for an existing column, SELECT * FROM ${where} WHERE ${quoteIdentifier(column ?? '')} IS NULL; finds the rows: ${correct}.`;
    case '23505':
      return columns === undefined
        ? `Rows of ${where} are duplicates: find them, and ${correct}.`
        : `Rows of ${where} are duplicates. SELECT ${columns}, count(*) FROM ${where} GROUP BY ${columns} HAVING count(*) > 1; finds those that are stored: ${correct}. A row that the file itself inserts may need ON CONFLICT.`;
    case '23503':
      return `Rows of ${where} refer to rows that do not exist; the detail names one, and there may be more: ${correct}. ADD CONSTRAINT … NOT VALID accepts old rows as they are.`;
    default:
      return `Rows of ${where} violate the constraint. SELECT * FROM ${where} WHERE NOT (…); with its condition finds them: ${correct}. ADD CONSTRAINT … NOT VALID accepts old rows as they are.`;
  }
}
