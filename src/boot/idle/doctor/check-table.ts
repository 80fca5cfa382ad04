import { printable } from '../../../core/printable.ts';

/** The answer of one check: `unknown` when what it looks at cannot be read. */
export type CheckStatus = 'ok' | 'warning' | 'problem' | 'unknown';

interface CheckMeaning {
  readonly looksAt: string;
  /** When it has this status; a status without a line never comes. Any check can be `unknown`. */
  readonly ok: string;
  readonly warning?: string;
  readonly problem?: string;
  readonly remedy: string;
}

/**
 * Every check of `examine()`, in the order in which they are reported: what it looks at, what each status means, and what to do.
 *
 * @example doctorChecks['pooler'].warning
 */
export const doctorChecks = {
  connection: {
    looksAt:
      'Connects with the pool of the migrations, measures how long a connection and a round trip take, and looks whether PostgreSQL sees TLS.',
    ok: 'PostgreSQL answers.',
    warning:
      'A round trip takes longer than 20 ms, or PostgreSQL is on another host and the connection has no TLS.',
    problem: 'PostgreSQL refused the connection, or gave none within 5 s.',
    remedy:
      'Follow the remedy of the line: it names the password, the database, the certificate or the address. Each migration file takes several round trips, so run the migrate job near the database when they are slow.',
  },
  'server-version': {
    looksAt: 'Compares the version of the server with those that Slipway is tested on, 14 to 18.',
    ok: 'The version is one of them. Without a network of its own, Slipway does not know the newest minor version.',
    warning: 'The server is newer than every tested version.',
    problem: 'The server is older than 14.',
    remedy:
      'Upgrade PostgreSQL, or take a release of Slipway that is tested on this version. Install the newest minor version in either case.',
  },
  packages: {
    looksAt:
      'Reads the versions of `pg` and `drizzle-orm` that Slipway loads, and those that the host loads.',
    ok: 'Both have a supported version, and each exists once.',
    warning: 'The host loads another copy than Slipway.',
    problem: 'A package is missing, or its version is not supported.',
    remedy:
      'Install the version that the line names. `npm ls pg drizzle-orm` shows every copy. With two copies of one package, an object of the one is not an instance of the class of the other.',
  },
  plugins: {
    looksAt: 'Discovers and sorts the plugins as a boot does.',
    ok: 'They can be loaded, and they fit together.',
    warning: 'The graph has warnings.',
    problem:
      'A plugin cannot be loaded, or the plugins do not fit together. Checks of their schemas are then unknown.',
    remedy: 'Solve each problem. `slipway plan` shows all of them.',
  },
  registry: {
    looksAt: 'Reads the table `slipway.plugins`.',
    ok: 'It can be read, is not made yet, or is not used.',
    warning: 'A plugin is enabled there, and was not found. The boot goes on without it.',
    problem:
      'The table cannot be read, or is not one of Slipway; or a plugin is missing, and `registry.missing` is `error`.',
    remedy: 'Grant the right that the line names, install the missing package, or disable its row.',
  },
  'read-only': {
    looksAt: 'Asks whether the server takes writes.',
    ok: 'It does.',
    warning:
      'It does not, and `migrations.mode` is `verify` or `wait`: this process need not write.',
    problem:
      'It does not, and the boot is to apply migrations: a replica, or a database that is set read-only.',
    remedy:
      'Connect to the primary server, or find out who has set `default_transaction_read_only` for the role or the database.',
  },
  privileges: {
    looksAt:
      'Looks at `CREATE` on the database, at `USAGE` and `CREATE` on each schema, and at the owner of everything in it.',
    ok: 'The role can make schemas, and owns what is in those of the plugins.',
    warning:
      'Nothing that is pending fails now. A later migration may: a new plugin needs a schema, or the role does not own a table that is to be altered.',
    problem: 'A right is missing that a pending migration or its history needs.',
    remedy:
      'Send the `GRANT` or the `ALTER … OWNER TO` of the line, as the owner or an administrator.',
  },
  histories: {
    looksAt: 'Compares the history of each plugin with its files.',
    ok: 'Every history can be read and fits.',
    warning:
      'It differs, and the policies let the boot go on: an edited file, a file out of order, rows that the folder lacks.',
    problem: 'It does not fit, or the table is not a history.',
    remedy: 'Follow the hint of each line. [Repair](repair.md) has the calls that decide.',
  },
  migrations: {
    looksAt:
      'Looks for everything else that would end the boot before the first statement: folders that cannot be read, files with commands that are refused.',
    ok: 'Nothing.',
    warning: 'Something to look at, with which the boot goes on.',
    problem: 'A file or a folder needs a change.',
    remedy: '`slipway plan` shows each finding with its file.',
  },
  extensions: {
    looksAt: "Looks for the extensions that the plugins' files make, and for the schema of each.",
    ok: 'Each is in a schema that the plugins have on their `search_path`, or will be put there.',
    warning: 'An extension is in `public`, where the plugins do not see it.',
    problem:
      'The server does not have an extension that a pending file makes, or there is no schema for it.',
    remedy:
      'Move it: `ALTER EXTENSION … SET SCHEMA extensions;`, or list `public` in `migrations.extensionSchemas`. A missing extension is installed where PostgreSQL runs.',
  },
  'stranded-objects': {
    looksAt:
      'Looks for objects of plugins that are in `public` and not in the schema of their plugin.',
    ok: 'There are none.',
    warning: 'There are some, and `migrations.strandedObjects` is `warn`.',
    problem: 'There are some. The boot stops before it changes anything.',
    remedy: '`slipway repair relocate <plugin>` shows what it would move; `--yes` moves it.',
  },
  'orphaned-schemas': {
    looksAt:
      'Looks for schemas that begin with `migrations.schemaPrefix` and belong to no plugin of this host, enabled or disabled.',
    ok: 'There are none.',
    warning:
      'There are some: of a plugin that was removed or renamed, or of another host on this database.',
    remedy:
      'For a renamed plugin, list its former id in `previousIds`. When the data is not needed any more, make a backup and drop the schema. Two hosts on one database need different prefixes.',
  },
  'invalid-indexes': {
    looksAt: "Looks for indexes in the plugins' schemas that are not valid.",
    ok: 'There are none, or they are being built.',
    warning:
      'A concurrent build was interrupted: its index costs time on every write, and no query uses it.',
    problem: 'The same of a unique index: what it should keep apart may be there twice.',
    remedy:
      '`REINDEX INDEX CONCURRENTLY` makes it valid; for a unique one, remove duplicates first. While its migration is pending, the next boot drops it and builds it again.',
  },
  pooler: {
    looksAt:
      'Compares the backend that was announced with the one that answers, on `pool` and on `migrationPool`.',
    ok: 'Migrations have a direct connection, or a pooler that keeps sessions.',
    warning:
      'Migrations go through a pooler that keeps no sessions: no file without a transaction can run, and plugins get no advisory locks.',
    problem:
      "A pending file needs a session and there is none; or `pooler: 'session'` is set, and the pooler keeps none.",
    remedy: 'Give `migrationPool` a direct connection: [poolers](poolers.md).',
  },
  connections: {
    looksAt:
      'Compares the connections that server, database and role allow with the size of the pools times the replicas, and with those in use.',
    ok: 'There is room for all replicas, and for one more now.',
    warning:
      'There are fewer free connections now than one more replica can take. A rolling deploy may wait.',
    problem: 'The pools of all replicas can take more connections than there are.',
    remedy:
      'Make the pools smaller, raise the limit that the line names, or put a pooler in between. `--replicas` gives the number of replicas; without it, those are counted that migrate now.',
  },
  'connection-check': {
    looksAt:
      'Asks whether the server takes `client_connection_check_interval`, which each migration sets.',
    ok: 'It does: the lock of a killed process is free within a second.',
    warning: 'It refuses: the lock of a killed process stays until its statement ends.',
    remedy:
      'Nothing, on a system where PostgreSQL cannot do it. After a crash, `slipway repair holder <plugin>` shows the session, and ends it with `--terminate`.',
  },
  'time-limits': {
    looksAt:
      "Looks at PostgreSQL's own time limits that role, database or pool bring along: `statement_timeout`, `lock_timeout`, `idle_in_transaction_session_timeout`, `idle_session_timeout`, `transaction_timeout`.",
    ok: "None is shorter than 1 s. Migrations run without them; the plugins' own queries have them.",
    warning:
      'One is shorter than 1 s: it may end the survey or the registry, and queries of plugins.',
    remedy: 'Raise it for the role: `ALTER ROLE … SET statement_timeout = …`.',
  },
  'idle-transactions': {
    looksAt:
      'Looks for sessions of this database that have been idle in a transaction for longer than a minute.',
    ok: 'There are none.',
    warning:
      'There are some: what they have locked stays locked, and an index that is built concurrently waits for them.',
    remedy:
      'Find the program by its name and pid. `SELECT pg_terminate_backend(pid);` ends a session; `idle_in_transaction_session_timeout` ends such sessions by itself.',
  },
  'prepared-transactions': {
    looksAt: 'Looks for prepared transactions of this database that are older than a minute.',
    ok: 'There are none.',
    warning: 'There are some: their locks outlive every session, and a restart too.',
    remedy:
      'Ask the transaction manager that made it. Then `COMMIT PREPARED` or `ROLLBACK PREPARED`, with its name.',
  },
  'migration-locks': {
    looksAt: 'Looks for the sessions that hold a migration lock now.',
    ok: 'There are none, or they are at work.',
    warning:
      'A session holds a lock and has not been at work for longer than a minute, or waits for another session.',
    remedy:
      '`slipway status --fleet` shows who waits for whom; `slipway repair holder <plugin>` ends a holder with `--terminate`.',
  },
} as const satisfies Readonly<Record<string, CheckMeaning>>;

/** The id of a check; {@link doctorChecks} says what each looks at. */
export type CheckId = keyof typeof doctorChecks;

/** A fact of a check: plain JSON. */
export type CheckEvidence = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The answer of one check. */
export interface Check {
  readonly id: CheckId;
  readonly status: CheckStatus;
  /** What was found, in a sentence. */
  readonly found: string;
  /** The facts behind it. */
  readonly evidence: CheckEvidence;
  /** What to do; left out when there is nothing to do. */
  readonly remedy?: string;
}

/** The statuses that a check can have. */
type StatusFor<Id extends CheckId> =
  | 'unknown'
  | Extract<keyof (typeof doctorChecks)[Id], CheckStatus>;

/** What a check returns: a status of its own table row, and a remedy unless all is well. */
interface Finding<Status> {
  readonly status: Status;
  readonly found: string;
  readonly evidence?: CheckEvidence;
  readonly remedy?: string | undefined;
}

/** Makes the answer of a check. A status that its row in {@link doctorChecks} does not have does not compile. */
export function answer<Id extends CheckId>(
  id: Id,
  { status, found, evidence = {}, remedy }: Finding<StatusFor<Id>>,
): Check {
  // Names of the database stand in it, which may be made for a terminal.
  const shown = remedy !== undefined && { remedy: printable(remedy) };
  return { id, status, found: printable(found), evidence, ...shown };
}

/** The answer of a check that cannot see what it looks at. */
export function unknown(id: CheckId, because: string): Check {
  return answer(id, { status: 'unknown', found: because });
}
