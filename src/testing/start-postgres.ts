import { rmSync } from 'node:fs';
import { findPostgres, type PostgresChoice } from './find-postgres.ts';
import { chooseServerIdentity } from './guarded-process.ts';
import { createCluster, HOST, runServer, SUPERUSER } from './server-process.ts';
import { makeServerFolder } from './trusted-folder.ts';

/** The options of {@link startPostgres}. */
export interface StartPostgresOptions {
  /**
   * Where the server comes from. `'auto'` is the one behind `DATABASE_URL`, if that is set, and else `'local'`. `'local'`
   * is a new server: of the npm package, or else of the system.
   *
   * @default 'auto'
   */
  readonly from?: PostgresChoice;
  /**
   * Server settings such as `{ max_connections: 300 }`. A server behind `DATABASE_URL` keeps its own.
   *
   * @default {}
   */
  readonly settings?: Readonly<Record<string, string | number>>;
  /**
   * The password that the server asks for (scram-sha-256).
   *
   * @default none: every connection on loopback is trusted
   */
  readonly password?: string;
  /**
   * TCP port, 1 to 65535.
   *
   * @default a free port
   */
  readonly port?: number;
}

/** A PostgreSQL server to test against. */
export interface PostgresServer {
  /** Connection string of the superuser, for `pg`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Such as `18.4`. A server behind `DATABASE_URL` is not asked, and has `undefined`. */
  readonly version: string | undefined;
  readonly source: 'DATABASE_URL' | 'package' | 'system';
  /** Ends the server and removes its data. May be called again. Leaves a server behind `DATABASE_URL` alone. */
  stop(): Promise<void>;
  /** Shuts the server down in order, or recovers it after `kill()`, and starts it on the same port. */
  restart(): Promise<void>;
  /** Ends every server process at once, as a crash would; `restart()` brings it back. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** {@link StartPostgresOptions}, checked and complete. */
interface CheckedOptions {
  readonly from: PostgresChoice;
  readonly settings: Readonly<Record<string, string>>;
  readonly password: string | undefined;
  readonly port: number | undefined;
}

const CHOICES: readonly PostgresChoice[] = ['auto', 'local', 'package', 'system'];

/** Settings that `startPostgres` depends on: where the server listens, and where its line "ready" is read. */
const OURS: ReadonlySet<string> = new Set([
  'port',
  'listen_addresses',
  'unix_socket_directories',
  'data_directory',
  'log_destination',
  'log_min_messages',
  'logging_collector',
]);

/**
 * Gives a PostgreSQL server to test against: the one behind `DATABASE_URL`, else a new, empty one on
 * a free loopback port, which disappears with `stop()` or with this process, however that ends.
 * It does not keep the process running.
 *
 * Throws a TypeError for wrong options, and an Error that says what to do when nothing can be started.
 *
 * @example
 * await using postgres = await startPostgres({ settings: { max_connections: 300 } });
 * const pool = new pg.Pool({ connectionString: postgres.url });
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const checked = checkOptions(options);
  const given = process.env['DATABASE_URL'];
  if (checked.from === 'auto' && given) return describeGiven(given, checked);
  return startOwn(checked);
}

function describeGiven(url: string, { password, port }: CheckedOptions): PostgresServer {
  if (password !== undefined || port !== undefined) {
    throw new TypeError(
      "startPostgres password and port need a server of its own, and DATABASE_URL is set: add from: 'local'",
    );
  }
  // The address itself stays out of the message: it may hold a password.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new TypeError(
      'Expected DATABASE_URL to be an address like postgres://user@host:5432/name',
    );
  }
  const { hostname, port: givenPort, username, pathname } = new URL(url);
  const user = decodeURIComponent(username) || SUPERUSER;
  return {
    url,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(givenPort || 5432),
    user,
    database: decodeURIComponent(pathname.slice(1)) || user,
    version: undefined,
    source: 'DATABASE_URL',
    restart: refuse('restart'),
    kill: refuse('kill'),
    stop: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function refuse(verb: string): () => Promise<never> {
  return async () => {
    throw new Error(
      `startPostgres cannot ${verb} the server behind DATABASE_URL: use from: 'local'`,
    );
  };
}

/** Checks the options and fills in the defaults. Throws a TypeError that names the wrong field. */
function checkOptions(options: StartPostgresOptions): CheckedOptions {
  const { from = 'auto', settings = {}, password, port, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw wrong('option to be one of from, settings, password, port', unknown);
  }
  if (!CHOICES.includes(from)) throw wrong(`from to be one of ${CHOICES.join(', ')}`, from);
  if (password !== undefined && (typeof password !== 'string' || !/^[^\r\n\0]+$/.test(password))) {
    throw new TypeError('Expected startPostgres password to be one line of text that is not empty');
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535)) {
    throw wrong('port to be an integer from 1 to 65535', port);
  }
  return Object.freeze({ from, settings: checkSettings(settings), password, port });
}

function checkSettings(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(name)) throw wrong('settings to have names', name);
    if (OURS.has(name.toLowerCase())) {
      throw wrong(`settings to leave ${[...OURS].join(', ')} to the starter`, name);
    }
    if (typeof value !== 'string' && !(typeof value === 'number' && Number.isFinite(value))) {
      throw wrong(`settings.${name} to be a string or a number`, value);
    }
    checked[name] = String(value);
  }
  return Object.freeze(checked);
}

function wrong(expected: string, got: unknown): TypeError {
  return new TypeError(`Expected startPostgres ${expected}, got ${JSON.stringify(got)}`);
}

async function startOwn(options: CheckedOptions): Promise<PostgresServer> {
  const { from, settings, password } = options;
  if (process.platform === 'win32') {
    throw new Error('startPostgres starts no server on Windows: set DATABASE_URL');
  }
  const login = password === undefined ? SUPERUSER : `${SUPERUSER}:${encodeURIComponent(password)}`;
  const identity = chooseServerIdentity();
  const { source, bin, version } = await findPostgres(from, identity);
  const folder = makeServerFolder(identity);
  const plan = { bin, version, identity, folder, settings };
  let running;
  try {
    const initdb = await createCluster(plan, password);
    try {
      running = await runServer(plan, options.port);
    } finally {
      await initdb.leave();
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const { port } = running;
  let current = running.process;
  let stopped: Promise<void> | undefined;

  // One at a time: a stop during a restart waits for the server it is to stop.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const whileRunning = async (work: () => Promise<void>): Promise<void> => {
    if (stopped !== undefined) throw new Error('This PostgreSQL server was stopped');
    return inTurn(work);
  };
  const stop = async (): Promise<void> => {
    stopped ??= inTurn(() => current.remove());
    return stopped;
  };
  return {
    url: `postgres://${login}@${HOST}:${port}/${SUPERUSER}`,
    host: HOST,
    port,
    user: SUPERUSER,
    database: SUPERUSER,
    version,
    source,
    stop,
    restart: () =>
      whileRunning(async () => {
        const previous = current;
        await previous.end('INT');
        ({ process: current } = await runServer(plan, port));
        await previous.leave();
      }),
    kill: () => whileRunning(() => current.end('QUIT')),
    [Symbol.asyncDispose]: stop,
  };
}
