/** Every error code, with what it means and what to do unless the error itself knows better. */
export const errorCodes = {
  OPTIONS_INVALID: ['an option is wrong', 'Correct the option that the message names.'],
  PLUGIN_NOT_LOADED: [
    'a plugin package cannot be found or imported',
    'Look at the cause, which is the error of the import itself.',
  ],
  PLUGIN_INVALID: [
    'a listed or discovered plugin is not valid',
    'Correct what the message names; definePlugin() refuses most of it at compile time.',
  ],
  GRAPH_INVALID: [
    'the plugins do not fit together',
    'Solve every problem listed. Nothing has run yet.',
  ],
  PLUGIN_DUPLICATE: ['two plugins have one id', 'Rename one of them, or list it once.'],
  PLUGIN_ID_INVALID: [
    'a plugin id is not kebab-case',
    "Use lower-case letters, digits and '-', starting with a letter.",
  ],
  SCHEMA_NAME_TOO_LONG: [
    'a schema name is longer than PostgreSQL keeps',
    'Shorten the plugin id: PostgreSQL cuts names at 63 bytes, and two plugins would share a schema.',
  ],
  SCHEMA_TAKEN: [
    'two owners would share one schema',
    'Rename the plugin, or give the host another schema.',
  ],
  SERVICE_MISSING: [
    'a plugin needs a service that is not provided',
    'Add the plugin that provides it, or make the dependency .optional().',
  ],
  SERVICE_DUPLICATE: [
    'one service has two providers',
    'Keep one provider, or make it a collectionRef().',
  ],
  DEPENDENCY_CYCLE: [
    'plugins need each other in a circle',
    'Break one of the edges, for example with a collection or an optional service.',
  ],
  DEP_KEY_RESERVED: ['a dependency or export has a key that is taken', 'Choose another key.'],
  PREVIOUS_ID_CONFLICT: [
    'a previous id of a plugin belongs to another owner',
    'Remove it from previousIds, or remove the plugin that still has this id.',
  ],
  PLAN_INVALID: [
    'the migrations do not fit the database',
    'Solve every problem listed. Nothing has been changed yet.',
  ],
  DATABASE_UNREACHABLE: [
    'PostgreSQL does not answer',
    'Check that the server runs and that the address and password are right; connect.wait sets how long to keep trying.',
  ],
  DATABASE_PRIVILEGE: [
    'the database role lacks a right',
    'Grant the right that the message names.',
  ],
  DATABASE_READ_ONLY: ['the database takes no writes', 'Connect to the primary server.'],
  POOLER_UNSUPPORTED: [
    'a file outside of a transaction or an advisory lock needs a session, and a transaction pooler keeps none',
    "Give migrationPool a direct connection to PostgreSQL, or set pooler: 'session' if the pooler keeps sessions.",
  ],
  MIGRATION_FILES_INVALID: [
    'a migrations folder cannot be read',
    'Generate the folder again with drizzle-kit, and ship it with the plugin.',
  ],
  MIGRATION_HISTORY_UNKNOWN: [
    'a migration history is not one that Slipway or Drizzle wrote',
    'Look at the table that the message names.',
  ],
  MIGRATION_STRANDED_OBJECTS: [
    'objects of a plugin are in public, and not in its schema',
    'Move it with repair.relocate(); it has a dry run.',
  ],
  MIGRATION_EDITED: [
    'a migration file was changed after it was applied',
    'Restore the file as it was applied, and put the change into a new one.',
  ],
  MIGRATION_OUT_OF_ORDER: [
    'a pending migration comes before an applied one',
    'It was merged late. Check that it does not undo later migrations. migrations.outOfOrder decides whether it is applied.',
  ],
  MIGRATION_DATABASE_AHEAD: [
    'the database has migrations that the folder lacks',
    'After a rollback, check that this release works with the newer schema; otherwise deploy the newer release.',
  ],
  MIGRATION_TRANSACTION_CONTROL: [
    'a migration file ends its own transaction, leaves its schema, or releases the migration lock',
    'Remove the command: each file runs in one transaction, in the schema of its plugin, under its lock.',
  ],
  MIGRATION_MIXED_TRANSACTION: [
    'a migration file mixes a command that cannot run in a transaction with others',
    'Put the command that cannot run in a transaction alone into a file of its own.',
  ],
  MIGRATION_EDITS_HISTORY: [
    'a migration file changes a history of migrations',
    'Remove the command from the file. The rows of a history record which files have run: a file without its row runs again, and a file with one never runs.',
  ],
  MIGRATION_RENAMED: [
    "a newer release has renamed this plugin's schema",
    'Deploy the release that uses the new id of the plugin. Nothing was changed.',
  ],
  MIGRATION_RENAME_CONFLICT: [
    'more than one schema may have the data of a renamed plugin',
    'Find out which of them has the data, and drop or rename the other one; or remove its id from previousIds.',
  ],
  EXTENSION_SCHEMA_MISSING: [
    'there is no schema for an extension',
    'Make a schema for extensions: CREATE SCHEMA extensions; and put the extension into it with CREATE EXTENSION … SCHEMA extensions.',
  ],
  EXTENSION_UNAVAILABLE: [
    'the server does not have an extension that a file makes',
    'Install the package of the extension where PostgreSQL runs, or use a provider that has it.',
  ],
  EXTENSION_IN_PUBLIC: [
    'a plugin seems to use an extension that is in public',
    "List 'public' in migrations.extensionSchemas, or move the extension: ALTER EXTENSION … SET SCHEMA.",
  ],
  MIGRATION_FUNCTION_PATH: [
    "a function of a migration runs with a search_path outside of its plugin's schema",
    'Write SET search_path FROM CURRENT, which keeps the path of the plugin; or set an empty path, and write every name with its schema.',
  ],
  MIGRATION_PENDING: [
    'migrations are pending, and this process does not apply them',
    "Run the migrate job first, or wait for it with migrations.mode: 'wait'.",
  ],
  MIGRATION_WRONG_SCHEMA: [
    'a migration ran outside its pinned connection or schema',
    'Nothing of this file was kept. Remove from it what changes search_path or role, or look for a proxy that uses more than one connection.',
  ],
  MIGRATION_STRAY_OBJECTS: [
    "a migration made something outside of its plugin's schema",
    'Nothing of this file was kept. Remove the schema from the names, or add the line "-- slipway: allow-outside" to the file.',
  ],
  MIGRATION_LOCK_TIMEOUT: [
    'another process holds the migration lock for too long',
    'Look at the holder that the message names; migrations.lockWait sets how long to wait.',
  ],
  MIGRATION_CONNECTION_LOST: [
    'the connection broke during a migration',
    'Nothing of the open file was kept. Start again once PostgreSQL is back.',
  ],
  MIGRATION_FAILED: [
    'a migration failed',
    'Nothing of this file was kept. Correct it and start again.',
  ],
  REPAIR_REFUSED: [
    'a repair cannot do what it was called for',
    'Correct what the message names. Nothing was changed.',
  ],
  REPAIR_FAILED: [
    'PostgreSQL refused a statement of a repair',
    'Nothing was changed. Look at the cause, and call it again.',
  ],
  INIT_FAILED: ["a plugin's init threw", 'Look at the cause.'],
  INIT_TIMEOUT: [
    "a plugin's init did not end in time",
    'See what it waits for, or raise timeouts.init for this plugin.',
  ],
  INIT_SERVICE_NOT_PROVIDED: [
    'init did not return what the plugin provides',
    'Return every key of provides from init.',
  ],
  READY_FAILED: ["a plugin's ready hook threw", 'Look at the cause.'],
  LOCK_TIMEOUT: [
    'a lock that a plugin asked for stayed taken',
    'Find out who holds it, or wait longer.',
  ],
  LOCK_LOST: [
    'a lock was lost while it was held',
    'Another process may have done the same work at the same time. Find out what broke the connection.',
  ],
  STOP_FAILED: ["a plugin's stop handler threw", 'Look at the cause. Everything else was stopped.'],
  STOP_TIMEOUT: [
    'a plugin did not stop in time',
    'See what its stop handler waits for, or raise stop.timeout.',
  ],
  BOOT_CANCELED: [
    'the boot was stopped before it was ready',
    'There is nothing to do if this was intended.',
  ],
  BOOT_BROKEN: ['Slipway itself failed', 'Please report it, with the cause.'],
  BOOT_ALREADY_RUN: ['this boot has ended', 'Make a new one with createBoot().'],
} as const satisfies Record<string, readonly [meaning: string, hint: string]>;

/** The code of an error or a problem; {@link errorCodes} says what each means. */
export type ErrorCode = keyof typeof errorCodes;

/** One of several things that are wrong at once. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly plugin?: string;
  readonly file?: string;
}

/** Where in a migration file something went wrong. Lines, columns and statements count from 1. */
export interface MigrationPosition {
  readonly file: string;
  readonly statement?: number;
  readonly statements?: number;
  readonly line?: number;
  readonly column?: number;
  /** A few lines of the file with a caret under the place. */
  readonly excerpt?: string;
}

/** What PostgreSQL said, besides its message. */
export interface DatabaseFault {
  readonly sqlState?: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** Makes a {@link Problem} with the hint of its code. */
export function problem(
  code: ErrorCode,
  message: string,
  about: { readonly plugin?: string; readonly file?: string; readonly hint?: string } = {},
): Problem {
  return { code, message, ...about, hint: about.hint ?? errorCodes[code][1] };
}
