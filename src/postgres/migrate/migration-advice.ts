import { describeBlocker } from '../../core/describe-session.ts';
import type { LockBlocker } from '../../core/waits.ts';
import { readText } from '../../core/foreign-value.ts';
import { listNames } from '../../core/printable.ts';
import { readSqlState } from '../connection/connection-error.ts';
import { quoteIdentifier } from '../sql/identifier.ts';
import { psqlAdvice } from '../sql/refused-commands.ts';
import { alreadyThere, alreadyThereAdvice } from './already-there.ts';
import { passingReason } from './migration-retry.ts';

/** Returns advice on an error of PostgreSQL in the file `culprit`, from the error alone. */
export function adviceFor(
  cause: unknown,
  culprit: string,
  blockers: readonly LockBlocker[],
): string {
  const state = readSqlState(cause);
  // Not PostgreSQL: a function may throw anything.
  if (state === undefined) return correct(culprit);
  const reason = passingReason(cause);
  if (reason === 'lock') return adviceForBlocked(blockers);
  if (reason === 'race') return adviceForRace;
  const advise = adviceByState[state] ?? adviceByState[state.slice(0, 2)];
  return adviceForPreload(cause) ?? advise?.(culprit, cause) ?? correct(culprit);
}

const adviceForRace =
  'Other sessions kept changing the same objects: start again when they have finished.';

/** Some extensions are part of the server as long as it runs: each says so in an error of its own. */
function adviceForPreload(cause: unknown): string | undefined {
  return /shared_preload_libraries|must be preloaded/.test(readTexts(cause))
    ? 'The extension has to be loaded when the server starts: add it to shared_preload_libraries, restart the server, and start again. A provider has a setting for that.'
    : undefined;
}

/** Returns advice on a lock that another session holds. */
export function adviceForBlocked(blockers: readonly LockBlocker[]): string {
  const who =
    blockers.length === 0
      ? 'Another session holds a lock on what it changes.'
      : `Look at who holds a lock there: ${listNames(blockers.map(describeBlocker))}.`;
  return `${who} Start again when it has finished; migrations.ddlRetry sets how long to keep trying.`;
}

/** Returns advice on a connection that broke, or could not be made. */
export function adviceForLost(cause: unknown): string {
  const goesOn = 'it continues where this one ended.';
  switch (readSqlState(cause)) {
    case '53300':
      return `All connections are taken: give the pools of other programs fewer clients, or raise max_connections or the limit of the role. Start again then: ${goesOn}`;
    case '57P01':
      return `The connection was ended, by pg_terminate_backend or because the server was stopped. Start again once PostgreSQL is back: ${goesOn}`;
    default:
      return `Start again once PostgreSQL is back: ${goesOn}`;
  }
}

type Advise = (culprit: string, cause: unknown) => string;

/** For whatever else is wrong. */
function correct(culprit: string): string {
  return `Correct ${culprit} and start again.`;
}

const convert: Advise = (culprit) =>
  `A value does not fit its type. If it is in ${culprit}, correct it there. If it is in a table, correct such rows in ${culprit}, before this statement, or in a file before it.`;

const innocent = 'Nothing is wrong with the file';

const thereAlready = Object.fromEntries(
  alreadyThere.map((state) => [state, () => alreadyThereAdvice]),
);

/**
 * What to do about an error of PostgreSQL, by its SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
 * States of two characters stand for their whole class.
 */
const adviceByState: Readonly<Record<string, Advise>> = {
  ...thereAlready,
  '0A000': (culprit, cause) =>
    /\bused by a view\b/.test(readTexts(cause))
      ? `A view uses the column: drop the view before this statement of ${culprit}, and make it again after it.`
      : `PostgreSQL cannot do this, or not in the version of this server (SELECT version();): change ${culprit}, and start again.`,
  '22001': convert,
  '22003': convert,
  '22007': convert,
  '22008': convert,
  '22P02': convert,
  '22023': (culprit, cause) =>
    /\binstallation script\b/.test(readTexts(cause))
      ? `The server does not have this version of the extension: remove VERSION from ${culprit}, or update the package of the extension where PostgreSQL runs.`
      : correct(culprit),
  '23502': adviceForData,
  '23503': adviceForData,
  '23505': adviceForData,
  '23514': adviceForData,
  '25001': (culprit) =>
    `${culprit} has a statement that cannot run in a transaction: put it into a file of its own, or let each command run by itself, with the line "-- slipway: no-transaction".`,
  '25006': (culprit) =>
    `The transaction may not write: check that the connection leads to the primary server, that default_transaction_read_only is off, and that ${culprit} does not set READ ONLY itself.`,
  '2BP01': (culprit) =>
    `The detail names what depends on it: change or drop that first, in ${culprit}. CASCADE drops all of it as well.`,
  '3F000': (culprit, cause) =>
    /["»„«]/.test(readTexts(cause))
      ? `No schema has that name: correct ${culprit}, or make this plugin depend on the plugin that owns it.`
      : `The search_path is empty: something in ${culprit}, or a function that it calls, has set it. Remove that.`,
  '42501': () => 'Grant the role the right that PostgreSQL names, and start again.',
  '42804': (culprit) =>
    `PostgreSQL does not convert the values by itself: write ALTER COLUMN … TYPE … USING with an expression that does, in ${culprit}.`,
  '42P13': (culprit, cause) =>
    /\bDROP [A-Z]/.test(readTexts(cause))
      ? `CREATE OR REPLACE cannot change what a function takes or gives: put DROP FUNCTION before it, in ${culprit}.`
      : correct(culprit),
  '42P16': (culprit, cause) =>
    /\bview\b/.test(readTexts(cause))
      ? `CREATE OR REPLACE VIEW can add columns at the end, and no more: put DROP VIEW before it, in ${culprit}.`
      : correct(culprit),
  '53100': () =>
    `The disk of the server is full. ${innocent}: make room on the disk, and start again. An unused replication slot keeps old files: SELECT slot_name, active, restart_lsn FROM pg_replication_slots; lists them.`,
  '53200': (culprit, cause) =>
    /max_locks_per_transaction/.test(readTexts(cause))
      ? `One transaction locks more tables and indexes than the server has room for: split ${culprit} into several files, or raise max_locks_per_transaction, which takes a restart of the server.`
      : `The server has no memory left. ${innocent}: look at work_mem, maintenance_work_mem and what else runs there, and start again.`,
  '53400': () =>
    'A limit of the server is reached: raise the setting that the message names, and start again.',
  '54': (culprit) =>
    `PostgreSQL has a fixed limit there. Change ${culprit}: for instance fewer columns in one table, or an index on md5(column) in place of a long text.`,
  '55006': (culprit) =>
    `It is in use. When ${culprit} changes rows of a table and the table itself, put the two into separate files: deferred constraints are checked between them.`,
  '55P04': () =>
    'A new value of an enum can be used only after its COMMIT: use it in the next file.',
  '57014': (culprit, cause) => {
    // pg gives COPY FROM STDIN up by itself, in words of its own.
    if (/No source stream defined/.test(readTexts(cause))) {
      return psqlAdvice('COPY FROM STDIN', culprit);
    }
    return /user request/.test(readTexts(cause))
      ? 'The statement was cancelled from outside, by pg_cancel_backend or an administrator: start again.'
      : 'Raise migrations.statementTimeout, or a statement_timeout that the file sets itself, if that was the limit, and start again.';
  },
  '58': () =>
    `The server could not use a file of its own: see the log and the disk of the server; for a library, install the package of its extension there.`,
};

/** Message, detail and hint; in the language of the server, so a word is looked for only where no code will do. */
function readTexts(cause: unknown): string {
  return ['message', 'detail', 'hint'].map((key) => readText(cause, key) ?? '').join(' ');
}

/** The parts of pg's DatabaseError that say which rows do not fit. */
interface DataError {
  readonly code?: string;
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly detail?: string;
}

/** Says how to find the rows that a constraint refuses: PostgreSQL itself names one of them at most. */
function adviceForData(culprit: string, cause: unknown): string {
  const { code, schema, table, column, detail } = cause as DataError;
  const where =
    schema && table ? `${quoteIdentifier(schema)}.${quoteIdentifier(table)}` : undefined;
  const repair = `correct them in ${culprit}, before this statement, or in a file before it`;
  if (where === undefined) return `The data does not fit: find the rows, and ${repair}.`;
  // The columns are the only thing in a detail that is in no language: `Key (a, b)=(1, 2) is duplicated.`
  const columns = /\(([^()]+)\)=\(/.exec(detail ?? '')?.[1];
  switch (code) {
    case '23502':
      return `A row of ${where} has no value in ${column}. A new column of a table with rows needs a DEFAULT; for an existing column, SELECT * FROM ${where} WHERE ${quoteIdentifier(column ?? '')} IS NULL; finds the rows: ${repair}.`;
    case '23505':
      return columns === undefined
        ? `Rows of ${where} are duplicates: find them, and ${repair}.`
        : `Rows of ${where} are duplicates. SELECT ${columns}, count(*) FROM ${where} GROUP BY ${columns} HAVING count(*) > 1; finds those that are stored: ${repair}. A row that the file itself inserts may need ON CONFLICT.`;
    case '23503':
      return `Rows of ${where} refer to rows that do not exist; the detail names one, and there may be more: ${repair}. ADD CONSTRAINT … NOT VALID accepts old rows as they are.`;
    default:
      return `Rows of ${where} violate the constraint. SELECT * FROM ${where} WHERE NOT (…); with its condition finds them: ${repair}. ADD CONSTRAINT … NOT VALID accepts old rows as they are.`;
  }
}
