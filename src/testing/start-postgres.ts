import { rmSync } from 'node:fs';
import { findPostgres } from './find-postgres.ts';
import { chooseServerIdentity } from './guarded-process.ts';
import {
  createCluster,
  HOST,
  runServer,
  SUPERUSER,
  type RunningServer,
  type ServerPlan,
} from './server-process.ts';
import { checkOptions, type CheckedOptions, type StartPostgresOptions } from './start-options.ts';
import { makeServerFolder } from './trusted-folder.ts';

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

async function startOwn({ from, settings, password, port }: CheckedOptions) {
  if (process.platform === 'win32') {
    throw new Error('startPostgres starts no server on Windows: set DATABASE_URL');
  }
  const identity = chooseServerIdentity();
  const installation = await findPostgres(from, identity);
  const folder = makeServerFolder(identity);
  try {
    return await operate({ installation, identity, folder, settings }, password, port);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startFirst(
  plan: ServerPlan,
  password: string | undefined,
  port: number | undefined,
): Promise<RunningServer> {
  const initdb = await createCluster(plan, password);
  try {
    return await runServer(plan, port);
  } finally {
    await initdb.leave();
  }
}

async function operate(
  plan: ServerPlan,
  password: string | undefined,
  wantedPort: number | undefined,
): Promise<PostgresServer> {
  const { port, process: first } = await startFirst(plan, password, wantedPort);
  const login = password === undefined ? SUPERUSER : `${SUPERUSER}:${encodeURIComponent(password)}`;
  let current = first;
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
    version: plan.installation.version,
    source: plan.installation.source,
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
