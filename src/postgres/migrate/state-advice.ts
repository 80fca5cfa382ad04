import { alreadyThere, alreadyThereAdvice } from './already-there.ts';
import { psqlAdvice } from '../sql/psql-commands.ts';
import { adviceForData } from './data-advice.ts';

type Advise = (culprit: string, cause: unknown) => string;

/** For whatever else is wrong. */
export function correct(culprit: string): string {
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
export const adviceByState: Readonly<Record<string, Advise>> = {
  ...thereAlready,
  '0A000': (culprit, cause) =>
    /\bused by a view\b/.test(textOf(cause))
      ? `A view uses the column: drop the view before this statement of ${culprit}, and make it again after it.`
      : `PostgreSQL cannot do this, or not in the version of this server (SELECT version();): change ${culprit}, and start again.`,
  '22001': convert,
  '22003': convert,
  '22007': convert,
  '22008': convert,
  '22P02': convert,
  '22023': (culprit, cause) =>
    /\binstallation script\b/.test(textOf(cause))
      ? `The server does not have this version of the extension: remove VERSION from ${culprit}, or update the package of the extension where PostgreSQL runs.`
      : correct(culprit),
  '23502': (culprit, cause) => adviceForData(cause, culprit),
  '23503': (culprit, cause) => adviceForData(cause, culprit),
  '23505': (culprit, cause) => adviceForData(cause, culprit),
  '23514': (culprit, cause) => adviceForData(cause, culprit),
  '25001': (culprit) =>
    `${culprit} has a statement that cannot run in a transaction: put it into a file of its own, with the line "-- slipway: no-transaction".`,
  '25006': (culprit) =>
    `The transaction may not write: check that the connection leads to the primary server, that default_transaction_read_only is off, and that ${culprit} does not set READ ONLY itself.`,
  '2BP01': (culprit) =>
    `The detail names what depends on it: change or drop that first, in ${culprit}. CASCADE drops all of it as well.`,
  '3F000': (culprit, cause) =>
    /["»„«]/.test(textOf(cause))
      ? `No schema has that name: correct ${culprit}, or make this plugin depend on the plugin that owns it.`
      : `The search_path is empty: something in ${culprit}, or a function that it calls, has set it. Remove that.`,
  '42501': () => 'Grant the role the right that PostgreSQL names, and start again.',
  '42804': (culprit) =>
    `PostgreSQL does not convert the values by itself: write ALTER COLUMN … TYPE … USING with an expression that does, in ${culprit}.`,
  '42P13': (culprit, cause) =>
    /\bDROP [A-Z]/.test(textOf(cause))
      ? `CREATE OR REPLACE cannot change what a function takes or gives: put DROP FUNCTION before it, in ${culprit}.`
      : correct(culprit),
  '42P16': (culprit, cause) =>
    /\bview\b/.test(textOf(cause))
      ? `CREATE OR REPLACE VIEW can add columns at the end, and no more: put DROP VIEW before it, in ${culprit}.`
      : correct(culprit),
  '53100': () =>
    `The disk of the server is full. ${innocent}: make room on the disk, and start again. An unused replication slot keeps old files: SELECT slot_name, active, restart_lsn FROM pg_replication_slots; lists them.`,
  '53200': (culprit, cause) =>
    /max_locks_per_transaction/.test(textOf(cause))
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
    if (/No source stream defined/.test(textOf(cause))) {
      return psqlAdvice('COPY FROM STDIN', culprit);
    }
    return /user request/.test(textOf(cause))
      ? 'The statement was cancelled from outside, by pg_cancel_backend or an administrator: start again.'
      : 'Raise migrations.statementTimeout, or a statement_timeout that the file sets itself, if that was the limit, and start again.';
  },
  '58': () =>
    `The server could not use a file of its own: see the log and the disk of the server; for a library, install the package of its extension there.`,
};

/** Message, detail and hint; in the language of the server, so a word is looked for only where no code will do. */
function textOf(cause: unknown): string {
  const {
    message,
    detail = '',
    hint = '',
  } = cause as {
    readonly message?: string;
    readonly detail?: string;
    readonly hint?: string;
  };
  return `${message} ${detail} ${hint}`;
}
