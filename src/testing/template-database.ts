import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseKeeper } from './database-keeper.ts';
import { KeptDatabase, type TestDatabase } from './test-database.ts';

/** The options of {@link createTemplateDatabase}. */
export interface TemplateDatabaseOptions {
  /**
   * Any text. Processes that run at the same time share a template of this name, with the same `prepare`, in the same folder:
   * the first one prepares it, the others wait, and the last one drops it.
   *
   * @default none: the template is this call's own
   */
  readonly share?: string;
}

/** A prepared database, of which tests get copies. */
export interface TemplateDatabase extends AsyncDisposable {
  readonly name: string;
  /** Makes a database with all that the template has in it. */
  create(): Promise<TestDatabase>;
  /**
   * Drops all databases that were made of it here, and then the template, unless another process shares it. May be called
   * again.
   */
  drop(): Promise<void>;
}

/** How long connections to a template may take to end after `prepare`. A backend ends a moment after its client. */
const GOODBYE_MS = 2_000;
const SESSIONS = `
  select pid, application_name as app, state, left(query, 100) as query from pg_stat_activity
  where datname = $1 and backend_type = 'client backend' order by pid`;

/**
 * Prepares a database once, so that each test gets a copy of it, which is much faster than to migrate another one. Databases of
 * earlier processes that could not drop theirs are dropped first. Needs a user that may create databases.
 *
 * @param prepare Fills the empty database. All connections to it must be closed by its end; pools of `database.pool()` are.
 * @throws what `prepare` throws, or an Error that names the connections which it left open
 * @example
 * const template = await createTemplateDatabase(postgres, async ({ url }) => {
 *   await createBoot({ pool: url, plugins }).migrate();
 * });
 * await using database = await template.create();
 * const boot = createBoot({ pool: database.pool(), plugins });
 */
export async function createTemplateDatabase(
  server: string | { readonly url: string },
  prepare: (database: TestDatabase) => unknown,
  { share }: TemplateDatabaseOptions = {},
): Promise<TemplateDatabase> {
  const url = typeof server === 'string' ? server : server.url;
  if (!URL.canParse(url)) {
    throw new TypeError(
      'Expected the server of a template to be an address like postgres://user@host:5432/name',
    );
  }
  const { default: pg } = await import('pg');
  const keeper = await DatabaseKeeper.open(pg, url);
  const make = (name: string): KeptDatabase => new KeptDatabase(pg, keeper, { server: url, name });
  try {
    const key = share === undefined ? keeper.key : makeKey(share, prepare);
    const template = make(`slipway_template_${key}`);
    if (share === undefined) await fill(keeper, template, prepare);
    else await fillOnce(keeper, template, prepare, key);
    return await CopiedTemplate.open({ keeper, template, make, sharedKey: share && key });
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

interface TemplateParts {
  readonly keeper: DatabaseKeeper;
  readonly template: KeptDatabase;
  readonly make: (name: string) => KeptDatabase;
  readonly sharedKey: string | undefined;
}

class CopiedTemplate implements TemplateDatabase {
  readonly name: string;
  readonly #parts: TemplateParts;
  readonly #strategy: string;
  readonly #copies = new Set<TestDatabase>();
  #count = 0;
  #dropped: Promise<void> | undefined;

  private constructor(parts: TemplateParts, strategy: string) {
    this.name = parts.template.name;
    this.#parts = parts;
    this.#strategy = strategy;
  }

  static async open(parts: TemplateParts): Promise<CopiedTemplate> {
    return new CopiedTemplate(parts, await chooseStrategy(parts.keeper));
  }

  async create(): Promise<TestDatabase> {
    if (this.#dropped) throw new Error(`The template ${this.name} has been dropped`);
    const { keeper, make } = this.#parts;
    this.#count += 1;
    const copy = make(`slipway_test_${keeper.key}_${this.#count}`);
    this.#copies.add(copy);
    await keeper.query(`create database ${copy.name} template ${this.name}${this.#strategy}`);
    return copy;
  }

  drop(): Promise<void> {
    this.#dropped ??= this.#drop();
    return this.#dropped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop();
  }

  async #drop(): Promise<void> {
    const { keeper, template, sharedKey } = this.#parts;
    try {
      for (const copy of this.#copies) await copy.drop();
      if (sharedKey === undefined) await template.drop();
      else await leave(keeper, template, sharedKey);
    } finally {
      await keeper.close();
    }
  }
}

/** Fills a template that processes share, unless another one has done so. */
async function fillOnce(
  keeper: DatabaseKeeper,
  template: KeptDatabase,
  prepare: (database: TestDatabase) => unknown,
  key: string,
): Promise<void> {
  for (;;) {
    if (await keeper.tryTake(key)) {
      try {
        // No process has the key: this is a template of an earlier run.
        await keeper.dropDatabase(template.name);
        await fill(keeper, template, prepare);
        await keeper.share(key);
      } finally {
        await keeper.giveBack(key);
      }
      return;
    }
    await keeper.share(key);
    const rows = await keeper.query(
      'select from pg_database where datname = $1 and not datallowconn',
      [template.name],
    );
    if (rows.length > 0) return;
    // The process that had the key has failed to fill it, or was the last one to leave.
    await keeper.stopSharing(key);
  }
}

/** Drops a shared template when no other process has its key. */
async function leave(keeper: DatabaseKeeper, template: KeptDatabase, key: string): Promise<void> {
  await keeper.stopSharing(key);
  if (!(await keeper.tryTake(key))) return;
  await keeper.dropDatabase(template.name);
  await keeper.giveBack(key);
}

/** Makes the template, fills it, and closes it: PostgreSQL copies only a database that has no connection. */
async function fill(
  keeper: DatabaseKeeper,
  template: KeptDatabase,
  prepare: (database: TestDatabase) => unknown,
): Promise<void> {
  try {
    // Unlike template1, template0 has no objects that a user has added.
    await keeper.query(`create database ${template.name} template template0`);
    await prepare(template);
    await template.endPools();
    await keeper.query(`alter database ${template.name} with allow_connections false`);
    await expectNoSession(keeper, template.name);
  } catch (error) {
    await keeper.dropDatabase(template.name).catch(() => undefined);
    throw error;
  }
}

async function expectNoSession(keeper: DatabaseKeeper, name: string): Promise<void> {
  const deadline = performance.now() + GOODBYE_MS;
  for (;;) {
    const open = await keeper.query<Session>(SESSIONS, [name]);
    if (open.length === 0) return;
    if (performance.now() >= deadline) throw new Error(describeSessions(open));
    await pause(10);
  }
}

interface Session {
  readonly pid: number;
  readonly app: string;
  readonly state: string | null;
  readonly query: string;
}

function describeSessions(open: readonly Session[]): string {
  const lines = open.map(
    ({ pid, app, state, query }) => `  ${pid} "${app}" (${state ?? 'starting'}): ${query}`,
  );
  const count = `${open.length} connection${open.length === 1 ? '' : 's'}`;
  return `The function that prepares the template has left ${count} open, and PostgreSQL copies no database that has one. End its pools, and stop its boots:\n${lines.join('\n')}`;
}

/**
 * A server that waits for the disk copies a small database faster through its log (its default since PostgreSQL 15), any other
 * one file by file.
 */
async function chooseStrategy(keeper: DatabaseKeeper): Promise<string> {
  const [row] = await keeper.query<{ version: number; fsync: boolean }>(
    `select current_setting('server_version_num')::int as version, current_setting('fsync')::bool as fsync`,
  );
  return row && row.version >= 150_000 && !row.fsync ? ' strategy file_copy' : '';
}

/** Makes the key of a shared template. Processes that run the same tests make the same one; other code or another folder gives another. */
function makeKey(share: string, prepare: (database: TestDatabase) => unknown): string {
  const parts = JSON.stringify([share, process.cwd(), String(prepare)]);
  return createHash('sha256').update(parts).digest('hex').slice(0, 8);
}
