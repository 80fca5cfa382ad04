/** What {@link startPostgres} may be told; every field has a default. */
export interface StartPostgresOptions {
  /**
   * Where the server comes from. `'auto'` (default): the one behind `DATABASE_URL`, else `'local'`;
   * `'local'`: a server of our own, from the npm package, else from the system.
   */
  readonly from?: PostgresChoice;
  /** Server settings such as `{ max_connections: 300 }`; a server behind `DATABASE_URL` keeps its own. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Makes the server ask for this password (scram-sha-256); default: it trusts everyone on loopback. */
  readonly password?: string;
  /** TCP port, 1 to 65535; default: a free one. */
  readonly port?: number;
}

/** The values of `from`. */
export type PostgresChoice = 'auto' | 'local' | 'package' | 'system';

/** The options with every default filled in. */
export interface CheckedOptions {
  readonly from: PostgresChoice;
  readonly settings: Readonly<Record<string, string>>;
  readonly password: string | undefined;
  readonly port: number | undefined;
}

const CHOICES: readonly PostgresChoice[] = ['auto', 'local', 'package', 'system'];
const FIELDS: readonly string[] = ['from', 'settings', 'password', 'port'];

/** Settings the starter depends on: where it listens, and where the line "ready" is read. */
const OURS: ReadonlySet<string> = new Set([
  'port',
  'listen_addresses',
  'unix_socket_directories',
  'data_directory',
  'log_destination',
  'log_min_messages',
  'logging_collector',
]);

/** Checks the options and fills in the defaults; throws a TypeError that names the wrong field. */
export function checkOptions(options: StartPostgresOptions): CheckedOptions {
  const unknown = Object.keys(options).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) throw wrong(`option to be one of ${FIELDS.join(', ')}`, unknown);

  const { from = 'auto', settings = {}, password, port } = options;
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
