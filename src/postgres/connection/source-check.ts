import { Client } from 'pg';
import { toError } from '../../core/error-record.ts';
import { BootError, show } from '../../core/errors.ts';
import { isRecord } from '../../core/foreign-value.ts';
import type { DatabaseSource } from './connection.ts';
import { refuseOldPg } from './pg-version.ts';

/** The value that was given in place of a pool, and what to give. */
type Mistake = readonly [looks: string, give: string];

/**
 * Checks where to connect. pg itself ignores what it does not know, and connects to the server of its defaults.
 *
 * @throws BootError `OPTIONS_INVALID`, which repeats nothing of a connection string: it may hold a password.
 */
export function checkSource(value: unknown, name: string): DatabaseSource {
  if (isPoolOfPg(value)) {
    refuseOldPg(value.Client, name);
    return value as unknown as DatabaseSource;
  }
  const mistake = findMistake(value);
  if (mistake) throw invalid(name, mistake);
  refuseOldPg(Client, name);
  return value as DatabaseSource;
}

function findMistake(value: unknown): Mistake | undefined {
  if (typeof value === 'string') return findTextMistake(value);
  const stranger = findStranger(value);
  if (stranger) return stranger;
  return isRecord(value) ? findConfigMistake({ ...value }) : [show(value), 'Give one of these.'];
}

/**
 * Checks a pool of the caller.
 *
 * @throws BootError `OPTIONS_INVALID`
 */
export function checkPool(value: unknown, name: string): void {
  if (!isPoolOfPg(value)) throw notAPool(value, name);
  refuseOldPg(value.Client, name);
}

/**
 * Checks what gives clients, be it a pool of pg or not.
 *
 * @throws BootError `OPTIONS_INVALID`
 */
export function checkSomePool(value: unknown, name: string): void {
  if (!isRecord(value) || !has(value, 'connect')) throw notAPool(value, name);
}

function notAPool(value: unknown, name: string): BootError {
  // A string may be a connection string, with a password in it.
  const got = typeof value === 'string' ? 'a string' : show(value);
  return invalid(name, findStranger(value) ?? [got, 'Give a pg.Pool.'], 'a pg.Pool');
}

function invalid(
  name: string,
  [looks, hint]: Mistake,
  expected = 'a pg.Pool, a connection string or a pg config',
): BootError {
  return new BootError('OPTIONS_INVALID', `Expected ${name} to be ${expected}, got ${looks}`, {
    hint,
  });
}

/** A single client has `connect` as a pool does, and no size. */
function isPoolOfPg(value: unknown): value is { readonly Client?: unknown } {
  if (!isRecord(value)) return false;
  const { options } = value;
  const max = isRecord(options) ? options['max'] : 0;
  return ['connect', 'on', 'off'].every((method) => has(value, method)) && Number(max) > 0;
}

function has(value: object, method: string): boolean {
  return typeof Reflect.get(value, method) === 'function';
}

const giveString = 'Slipway works on pg: give the connection string.';

const others: readonly (readonly [methods: readonly string[], ...Mistake])[] = [
  [['then'], 'a promise', 'Await it first.'],
  [['$queryRaw'], 'a Prisma client', giveString],
  [['selectFrom'], 'a Kysely instance', 'Give the pg.Pool that its dialect has.'],
  [['getQueryInterface'], 'a Sequelize instance', giveString],
  [['createQueryRunner'], 'a TypeORM data source', giveString],
  [['unsafe', 'begin'], 'a client of postgres.js', giveString],
  [['raw', 'transaction'], 'a Knex instance', giveString],
  [['connect', 'query', 'release'], 'a client of a pool', 'Give the pool itself.'],
  [
    ['connect', 'query'],
    'a single client',
    'Give a pg.Pool, or the config that the client was made of.',
  ],
];

/** Names what people have at hand in a backend with a database. */
function findStranger(value: unknown): Mistake | undefined {
  if (!isRecord(value) && typeof value !== 'function') return undefined;
  if (value instanceof URL) return ['a URL', 'Give its text: url.href.'];
  if ('$client' in value) {
    return isPoolOfPg(value.$client)
      ? ['what looks like a Drizzle database', 'Give its pool: db.$client.']
      : ['what looks like a Drizzle database on another driver', 'Give a pg.Pool.'];
  }
  if ('session' in value && 'dialect' in value) {
    return ['what looks like a Drizzle database', 'Give the pg.Pool that it was made of.'];
  }
  const found = others.find(([methods]) => methods.every((method) => has(value, method)));
  if (found) return [`what looks like ${found[1]}`, found[2]];
  if (typeof value === 'function') return [show(value), 'Call it, and give what it returns.'];
  const isAtWork = has(value, 'connect') || has(value, 'query');
  return isAtWork ? [show(value), 'Give one of these.'] : undefined;
}

const exampleUrl = 'postgres://user:password@host:5432/database';

function findTextMistake(text: string): Mistake | undefined {
  if (text.trim() === '')
    return ['an empty string', 'Check that the variable that it comes from is set.'];
  const scheme = /^\s*([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  const isSocket = text.startsWith('/') || scheme === 'socket';
  if (!isSocket && scheme !== 'postgres' && scheme !== 'postgresql') {
    if (/^\s*\w+\s*=/.test(text)) {
      return ["a string in libpq's form key=value, which pg does not read", `Write ${exampleUrl}.`];
    }
    return scheme === undefined || !text.includes('://')
      ? ['a string without a scheme', `Write ${exampleUrl}.`]
      : [`a URL of ${scheme}`, `Write ${exampleUrl}: Slipway works on PostgreSQL.`];
  }
  return findParseMistake(text);
}

/** Has pg read it; nothing connects. */
function findParseMistake(connectionString: string): Mistake | undefined {
  try {
    void new Client({ connectionString });
    return undefined;
  } catch (error) {
    const { message } = toError(error);
    return [
      `a connection string that pg cannot read: ${message}`,
      `Write ${exampleUrl}; in user and password, characters such as @ : / ? # % are percent-encoded (encodeURIComponent).`,
    ];
  }
}

type Config = Readonly<Record<string, unknown>>;

/** Of these, any says which server is meant. */
const places = ['connectionString', 'host', 'port', 'database', 'user', 'stream', 'Client'];

/** From these pg takes what a config leaves out. */
const variables = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER'];

/** The names of other libraries for the keys of pg, which would ignore them. */
const misnomers: Readonly<Record<string, string>> = {
  url: 'connectionString',
  uri: 'connectionString',
  connectionUri: 'connectionString',
  connectionUrl: 'connectionString',
  databaseUrl: 'connectionString',
  hostname: 'host',
  server: 'host',
  username: 'user',
  db: 'database',
  dbname: 'database',
  dbName: 'database',
  pass: 'password',
};

function findConfigMistake(config: Config): Mistake | undefined {
  const wrong = Object.keys(config).find((key) => {
    const right = misnomers[key];
    return right !== undefined && config[right] === undefined;
  });
  if (wrong !== undefined) {
    return [
      `a config with the key ${wrong}, which pg does not read`,
      `Call it ${misnomers[wrong] ?? ''}.`,
    ];
  }
  const { connectionString } = config;
  if ('connectionString' in config && config['host'] === undefined) {
    const mistake =
      typeof connectionString === 'string'
        ? findTextMistake(connectionString)
        : ([show(connectionString), 'Check that the variable that it comes from is set.'] as const);
    if (mistake) return [`a config whose connectionString is ${mistake[0]}`, mistake[1]];
  }
  const isPlaced = places.some((key) => config[key] !== undefined);
  if (isPlaced || variables.some((key) => process.env[key])) return undefined;
  return [
    `a config that names no server: ${show(config)}`,
    `Give connectionString, or host and database; or set ${variables[0] ?? ''} and PGDATABASE, from which pg takes what a config leaves out.`,
  ];
}
