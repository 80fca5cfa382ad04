/**
 * Every error code: what it means, and what to do about it. An error that knows more has a hint of its own.
 *
 * @example errorCodes.LOCK_LOST.meaning // 'a lock was lost while it was held'
 */
export const errorCodes = {
  OPTIONS_INVALID: {
    meaning: 'an option is wrong',
    hint: 'Correct the option that the message names.',
  },
  CONFIG_NOT_FOUND: {
    meaning: 'the command line finds no config',
    hint: 'Go to the folder with slipway.config.ts, or name it with --config. slipway init writes one.',
  },
  CONFIG_INVALID: {
    meaning: 'the config of the command line cannot be used',
    hint: 'Look at the cause, and export the options by default: export default defineConfig({ … }).',
  },
  PLUGIN_NOT_LOADED: {
    meaning: 'a plugin package cannot be found or imported',
    hint: 'Look at the cause, which is the error of the import itself.',
  },
  PLUGIN_INVALID: {
    meaning: 'a listed or discovered plugin is not valid',
    hint: 'Correct what the message names; definePlugin() refuses most of it at compile time.',
  },
  GRAPH_INVALID: {
    meaning: 'the plugins do not fit together',
    hint: 'Solve every problem listed. Nothing has run yet.',
  },
  PLUGIN_DUPLICATE: {
    meaning: 'two plugins have one id',
    hint: 'Rename one of them, or list it once.',
  },
  PLUGIN_ID_INVALID: {
    meaning: 'a plugin id is not kebab-case',
    hint: "Use lower-case letters, digits and '-', starting with a letter.",
  },
  SCHEMA_NAME_TOO_LONG: {
    meaning: 'a schema name is longer than PostgreSQL keeps',
    hint: 'Shorten the plugin id: PostgreSQL cuts names at 63 bytes, and two plugins would share a schema.',
  },
  SCHEMA_TAKEN: {
    meaning: 'two owners would share one schema',
    hint: 'Rename the plugin, or give the host another schema.',
  },
  SERVICE_MISSING: {
    meaning: 'a plugin needs a service that is not provided',
    hint: 'Add the plugin that provides it, or make the dependency .optional().',
  },
  SERVICE_DUPLICATE: {
    meaning: 'one service has two providers',
    hint: 'Keep one provider, or make it a collectionRef().',
  },
  SERVICE_AMBIGUOUS: {
    meaning: 'one id names a service and a collection',
    hint: 'Give one of the two another id, or import the ref that its owner exports.',
  },
  SERVICE_UNDECLARED: {
    meaning: 'a plugin asks for a service that is not in its deps',
    hint: 'Add its ref to deps, so that its provider starts first.',
  },
  DEPENDENCY_CYCLE: {
    meaning: 'plugins need each other in a circle',
    hint: 'Break one of the edges, for example with a collection or an optional service.',
  },
  DEP_KEY_RESERVED: {
    meaning: 'a dependency or export has a key that is taken',
    hint: 'Choose another key.',
  },
  PREVIOUS_ID_CONFLICT: {
    meaning: 'a previous id of a plugin belongs to another owner',
    hint: 'Remove it from previousIds, or remove the plugin that still has this id.',
  },
  PLAN_INVALID: {
    meaning: 'the migrations do not fit the database',
    hint: 'Solve every problem listed. Nothing has been changed yet.',
  },
  REHEARSAL_REFUSED: {
    meaning: 'a rehearsal cannot be made there',
    hint: 'Rehearse on the database itself, or against a copy that you have made.',
  },
  DATABASE_UNREACHABLE: {
    meaning: 'PostgreSQL does not answer',
    hint: 'Check that the server runs and that the address and password are right.',
  },
  DATABASE_PRIVILEGE: {
    meaning: 'the database role lacks a right',
    hint: 'Grant the right that the message names.',
  },
  DATABASE_READ_ONLY: {
    meaning: 'the database takes no writes',
    hint: 'Connect to the primary server.',
  },
  POOLER_UNSUPPORTED: {
    meaning:
      'a file outside of a transaction or an advisory lock needs a session, and a transaction pooler keeps none',
    hint: "Give migrationPool a direct connection to PostgreSQL, or set pooler: 'session' if the pooler keeps sessions.",
  },
  TENANTS_INVALID: {
    meaning: 'the tenants of a plugin cannot be used',
    hint: 'Correct what the function tenants returns: a list of names, each once, or of { name, schema }. Nothing has been changed.',
  },
  MIGRATION_FILES_INVALID: {
    meaning: 'a migrations folder cannot be read',
    hint: 'Generate the folder again with drizzle-kit, and ship it with the plugin.',
  },
  MIGRATION_HISTORY_UNKNOWN: {
    meaning: 'a migration history is not one that Slipway or Drizzle wrote',
    hint: 'Look at the table that the message names.',
  },
  MIGRATION_STRANDED_OBJECTS: {
    meaning: 'objects of a plugin are in public, and not in its schema',
    hint: 'Move it with repair.relocate(); it has a dry run.',
  },
  MIGRATION_EDITED: {
    meaning: 'a migration file was changed after it was applied',
    hint: 'Restore the file as it was applied, and put the change into a new one.',
  },
  MIGRATION_OUT_OF_ORDER: {
    meaning: 'a pending migration comes before an applied one',
    hint: 'It was merged late. Check that it does not undo later migrations. migrations.outOfOrder decides whether it is applied.',
  },
  MIGRATION_DATABASE_AHEAD: {
    meaning: 'the database has migrations that the folder lacks',
    hint: 'After a rollback, check that this release works with the newer schema; otherwise deploy the newer release.',
  },
  MIGRATION_TRANSACTION_CONTROL: {
    meaning:
      'a migration file ends its own transaction, leaves its schema, or releases the migration lock',
    hint: 'Remove the command: each file runs in one transaction, in the schema of its plugin, under its lock.',
  },
  MIGRATION_MIXED_TRANSACTION: {
    meaning: 'a migration file mixes a command that cannot run in a transaction with others',
    hint: 'Add the line "-- slipway: no-transaction" at its head: each command then runs by itself, and when one fails, those before it stay. Or put the command that cannot run in a transaction into a file of its own.',
  },
  MIGRATION_EDITS_HISTORY: {
    meaning: 'a migration file changes a history of migrations',
    hint: 'Remove the command from the file. The rows of a history record which files have run: a file without its row runs again, and a file with one never runs.',
  },
  MIGRATION_RENAMED: {
    meaning: "a newer release has renamed this plugin's schema",
    hint: 'Deploy the release that uses the new id of the plugin. Nothing was changed.',
  },
  MIGRATION_RENAME_CONFLICT: {
    meaning: 'more than one schema may have the data of a renamed plugin',
    hint: 'Find out which of them has the data, and drop or rename the other one; or remove its id from previousIds.',
  },
  EXTENSION_SCHEMA_MISSING: {
    meaning: 'there is no schema for an extension',
    hint: 'Make a schema for extensions: CREATE SCHEMA extensions; and put the extension into it with CREATE EXTENSION … SCHEMA extensions.',
  },
  EXTENSION_UNAVAILABLE: {
    meaning: 'the server does not have an extension that a file makes',
    hint: 'Install the package of the extension where PostgreSQL runs, or use a provider that has it.',
  },
  EXTENSION_IN_PUBLIC: {
    meaning: 'a plugin seems to use an extension that is in public',
    hint: "List 'public' in migrations.extensionSchemas, or move the extension: ALTER EXTENSION … SET SCHEMA.",
  },
  MIGRATION_FUNCTION_PATH: {
    meaning: "a function of a migration runs with a search_path outside of its plugin's schema",
    hint: 'Write SET search_path FROM CURRENT, which keeps the path of the plugin; or set an empty path, and write every name with its schema.',
  },
  MIGRATION_PENDING: {
    meaning: 'migrations are pending, and this process does not apply them',
    hint: "Run the migrate job first, or wait for it with migrations.mode: 'wait'.",
  },
  MIGRATION_WRONG_SCHEMA: {
    meaning: 'a migration ran outside its pinned connection or schema',
    hint: 'Nothing of this file was kept. Remove from it what changes search_path or role, or look for a proxy that uses more than one connection.',
  },
  MIGRATION_STRAY_OBJECTS: {
    meaning: "a migration made something outside of its plugin's schema",
    hint: 'Nothing of this file was kept. Remove the schema from the names, or add the line "-- slipway: allow-outside" to the file.',
  },
  MIGRATION_LOCK_TIMEOUT: {
    meaning: 'another process holds the migration lock for too long',
    hint: 'Look at the holder that the message names; migrations.lockWait sets how long to wait.',
  },
  MIGRATION_CONNECTION_LOST: {
    meaning: 'the connection broke during a migration',
    hint: 'Nothing of the open file was kept. Start again once PostgreSQL is back.',
  },
  MIGRATION_FAILED: {
    meaning: 'a migration failed',
    hint: 'Nothing of this file was kept. Correct it and start again.',
  },
  REPAIR_REFUSED: {
    meaning: 'a repair cannot do what it was called for',
    hint: 'Correct what the message names. Nothing was changed.',
  },
  REPAIR_FAILED: {
    meaning: 'PostgreSQL refused a statement of a repair',
    hint: 'Nothing was changed. Look at the cause, and call it again.',
  },
  INIT_FAILED: {
    meaning: "a plugin's init threw",
    hint: 'Look at the cause.',
  },
  INIT_TIMEOUT: {
    meaning: "a plugin's init did not end in time",
    hint: 'See what it waits for, or raise timeouts.init for this plugin.',
  },
  INIT_SERVICE_NOT_PROVIDED: {
    meaning: 'init did not return what the plugin provides',
    hint: 'Return every key of provides from init.',
  },
  READY_FAILED: {
    meaning: "a plugin's ready hook threw",
    hint: 'Look at the cause.',
  },
  LOCK_TIMEOUT: {
    meaning: 'a lock that a plugin asked for stayed taken',
    hint: 'Find out who holds it, or wait longer.',
  },
  LOCK_LOST: {
    meaning: 'a lock was lost while it was held',
    hint: 'Another process may have done the same work at the same time. Find out what broke the connection.',
  },
  LOCK_NESTED: {
    meaning: 'runOnce() was called inside of its own work',
    hint: 'Call it outside of the work, or with another key: it would wait for itself.',
  },
  STOP_FAILED: {
    meaning: "a plugin's stop handler threw",
    hint: 'Look at the cause. Everything else was stopped.',
  },
  STOP_TIMEOUT: {
    meaning: 'a plugin did not stop in time',
    hint: 'See what its stop handler waits for, or raise stop.timeout.',
  },
  BOOT_NOT_UP: {
    meaning: 'a plugin is added to, or removed from, a boot that is not up',
    hint: 'Call it after start(), and before stop().',
  },
  REMOVAL_REFUSED: {
    meaning: 'a plugin cannot be removed from a boot that is up',
    hint: "If other plugins use it, remove them first, or stop them with it: remove(id, { dependents: 'stop' }).",
  },
  BOOT_CANCELED: {
    meaning: 'the boot was stopped before it was ready',
    hint: 'There is nothing to do if this was intended.',
  },
  BOOT_BROKEN: {
    meaning: 'Slipway itself failed',
    hint: 'Please report it, with the cause.',
  },
  BOOT_ALREADY_RUN: {
    meaning: 'this boot has ended',
    hint: 'Make a new one with createBoot().',
  },
  DATABASE_NOT_MIGRATED: {
    meaning: 'the host asks for the database of a plugin before every migration has succeeded',
    hint: 'Ask for it after start() has resolved, or in a listener of phase.finished.',
  },
  DATABASE_CLOSED: {
    meaning: 'the database of a plugin is used after the plugin or the boot has stopped',
    hint: 'Do the last queries in a handler of onStop(), and end what uses the database there.',
  },
  RECORDING_UNREADABLE: {
    meaning: 'the recording of a boot cannot be read',
    hint: 'Give readStory() the file that the option `record` has made.',
  },
  INSPECTOR_UNAVAILABLE: {
    meaning: 'the page of the inspector cannot be served',
    hint: 'Give createInspector() another port, or none: then it takes a free one.',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly hint: string }>;

/** The code of an error or a problem; {@link errorCodes} says what each means. */
export type ErrorCode = keyof typeof errorCodes;

/** Something to look at, with which a boot goes on. The same in events, plans and reports; plain JSON. */
export interface Warning {
  readonly message: string;
  /** The id of the plugin that it is about. */
  readonly plugin?: string;
  /** The tenant of the plugin, when it is about one alone. */
  readonly tenant?: string;
  /** The migration file that it is about. */
  readonly file?: string;
  /** The line of the file that it is about; counts from 1. Left out where it is about the file as a whole. */
  readonly line?: number;
  /** The column of that line, in characters; counts from 1. */
  readonly column?: number;
  /** Left out for what has no code of its own. */
  readonly code?: ErrorCode;
  /** What to do about it. */
  readonly hint?: string;
}

/** Something that keeps a boot from going on. Several are reported at once; plain JSON. */
export interface Problem extends Warning {
  readonly code: ErrorCode;
  readonly hint: string;
}

/** A place in a migration file, where an error happened. Lines, columns and statements count from 1. */
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
  about: Partial<Omit<Problem, 'code' | 'message'>> = {},
): Problem {
  return { code, message, ...about, hint: about.hint ?? errorCodes[code].hint };
}
