/** The options of {@link startPostgres}. */
export interface StartPostgresOptions {
  /**
   * Where the server comes from. `'auto'` is the one behind `DATABASE_URL`, if that is set, and else `'local'`. `'local'`
   * is a new server: of the npm package, or else of the system.
   *
   * @default 'auto'
   */
  readonly from?: PostgresChoice;
  /** Server settings such as `{ max_connections: 300 }`. A server behind `DATABASE_URL` keeps its own. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The password the server asks for (scram-sha-256). Without one, it trusts every connection on loopback. */
  readonly password?: string;
  /** TCP port, 1 to 65535. Without one, a free port is chosen. */
  readonly port?: number;
}

/** The values of `from`. */
export type PostgresChoice = 'auto' | 'local' | 'package' | 'system';

/** {@link StartPostgresOptions}, checked and complete. */
export interface CheckedOptions {
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

/** Checks the options and fills in the defaults. Throws a TypeError that names the wrong field. */
export function checkOptions(options: StartPostgresOptions): CheckedOptions {
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
