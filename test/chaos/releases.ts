import { join } from 'node:path';
import { definePlugin, type MigrationFunction, type Plugin } from 'slipway';

/** What can be deployed: four releases that build on each other, and three that add a plugin or a file with a fault to the last. */
export const releaseNames = [
  'first',
  'upgrade',
  'data',
  'functions',
  'failing',
  'optional',
  'leaky',
] as const;
export type ReleaseName = (typeof releaseNames)[number];

/** The releases without a fault, in their order. */
export const cleanReleases = releaseNames.slice(0, 4);

interface ReleasedFile {
  readonly since: ReleaseName;
  readonly tag: string;
  readonly sql: string;
}

const breakpoint = '--> statement-breakpoint\n';

/** What runs twice fails, or counts twice. */
const folders: Readonly<Record<string, readonly ReleasedFile[]>> = {
  accounts: [
    {
      since: 'first',
      tag: '0000_accounts',
      sql: `CREATE TYPE "public"."standing" AS ENUM('open', 'closed');${breakpoint}CREATE TABLE "accounts" (id serial PRIMARY KEY, name text NOT NULL, standing "public"."standing" DEFAULT 'open' NOT NULL);`,
    },
    {
      since: 'first',
      tag: '0001_people',
      // Ids of its own: a sequence goes on where a rolled back transaction, or a crash, has left it.
      sql: `INSERT INTO accounts (id, name) SELECT n, 'person ' || n FROM generate_series(1, 50) AS n;`,
    },
    {
      since: 'upgrade',
      tag: '0002_frozen',
      sql: `ALTER TYPE "public"."standing" ADD VALUE 'frozen';${breakpoint}ALTER TABLE accounts ADD COLUMN changes int DEFAULT 0 NOT NULL;`,
    },
    {
      since: 'upgrade',
      tag: '0003_freeze',
      sql: `UPDATE accounts SET standing = 'frozen', changes = changes + 1 WHERE id % 5 = 0;${breakpoint}CREATE INDEX accounts_standing ON accounts (standing);`,
    },
    {
      since: 'data',
      tag: '0004_renamed',
      sql: `UPDATE accounts SET name = name || '!', changes = changes + 1;`,
    },
    {
      since: 'failing',
      tag: '0005_fails',
      sql: `UPDATE accounts SET changes = changes + 1000;${breakpoint}CREATE TABLE ruins (id int);${breakpoint}SELECT 1 / 0;`,
    },
  ],
  orders: [
    {
      since: 'first',
      tag: '0000_orders',
      sql: `CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL);${breakpoint}INSERT INTO orders SELECT n, n * 100 FROM generate_series(1, 200) AS n;`,
    },
    {
      since: 'upgrade',
      tag: '0001_index',
      sql: 'CREATE INDEX CONCURRENTLY orders_cents ON orders (cents);',
    },
    {
      since: 'upgrade',
      tag: '0002_archive',
      sql: `CREATE TABLE archive (order_id int NOT NULL REFERENCES orders(id), cents int);${breakpoint}INSERT INTO archive SELECT id, cents FROM orders WHERE cents < 5000;`,
    },
    { since: 'data', tag: '0003_prices', sql: `UPDATE orders SET cents = cents * 2 + 1;` },
    {
      since: 'data',
      tag: '0004_archived',
      sql: `INSERT INTO archive SELECT id, cents FROM orders WHERE cents > 30000;`,
    },
  ],
  fragile: [
    { since: 'optional', tag: '0000_shards', sql: 'CREATE TABLE shards (id int);' },
    {
      since: 'optional',
      tag: '0001_breaks',
      sql: `INSERT INTO shards VALUES (1);${breakpoint}SELECT 1 / 0;`,
    },
  ],
  leaky: [{ since: 'leaky', tag: '0000_drops', sql: 'CREATE TABLE drops (id int);' }],
};

const counted: readonly { readonly since: ReleaseName; readonly migration: MigrationFunction }[] = [
  {
    since: 'first',
    migration: {
      name: '0001-counter',
      run: (client) => client.query('CREATE TABLE counter (name text PRIMARY KEY, n int NOT NULL)'),
    },
  },
  {
    since: 'functions',
    migration: {
      name: '0002-start',
      async run(client) {
        await client.query("INSERT INTO counter VALUES ('runs', 0)");
        await client.query("UPDATE counter SET n = n + 1 WHERE name = 'runs'");
      },
    },
  },
  {
    since: 'functions',
    migration: {
      name: '0003-again',
      run: (client) => client.query("UPDATE counter SET n = n * 3 WHERE name = 'runs'"),
    },
  },
];

/** The files of a plugin in a release, by their tags; without any when the release has no such plugin. */
export function filesOf(release: ReleaseName, plugin: string): Readonly<Record<string, string>> {
  const files = folders[plugin] ?? [];
  const has = ({ since }: ReleasedFile): boolean => includes(release, since);
  return Object.fromEntries(files.filter(has).map(({ tag, sql }) => [tag, sql]));
}

/** The plugins whose migrations are folders. */
export const folderPlugins = Object.keys(folders);

/** The releases before the faults build on each other; a fault is in its own release alone. */
function includes(release: ReleaseName, since: ReleaseName): boolean {
  const isClean = cleanReleases.includes(since);
  return isClean ? releaseNames.indexOf(release) >= releaseNames.indexOf(since) : release === since;
}

/** What the plugins of a process do once they are up. */
export interface PluginLife {
  /** Where the releases have been written to. */
  readonly folder: string;
  /** Keeps the database of a plugin that has this table busy until it is stopped. */
  busy?(table: string, database: BusyDatabase, signal: AbortSignal): void;
}

/** What a busy plugin needs of its database. */
export interface BusyDatabase {
  query(sql: string): Promise<unknown>;
}

/** The plugins of a release. The folders have to be written before they boot. */
export function pluginsOf(release: ReleaseName, life: PluginLife): readonly Plugin[] {
  const migrationsOf = (plugin: string): string => join(life.folder, release, plugin);
  const working = (id: string, table: string, more: Partial<Plugin> = {}): Plugin => ({
    ...definePlugin({
      id,
      migrations: migrationsOf(id),
      async init({ database, signal, onStop }) {
        // The gate has to be real: without its table this fails with 42P01, which is never forgiven.
        await database.query(`SELECT count(*) FROM ${table}`);
        const ended = new AbortController();
        onStop(() => ended.abort());
        const isOver = AbortSignal.any([signal, ended.signal]);
        life.busy?.(table, database, isOver);
      },
    }),
    ...more,
  });
  const guests: Readonly<Partial<Record<ReleaseName, readonly Plugin[]>>> = {
    optional: [
      working('fragile', 'shards', { required: false }),
      { id: 'moody', required: false, init: () => Promise.reject(new Error('not today')) },
    ],
    leaky: [
      definePlugin({
        id: 'leaky',
        migrations: migrationsOf('leaky'),
        async init({ database }) {
          await database.connect();
        },
      }),
    ],
  };
  return [
    working('accounts', 'accounts'),
    working('orders', 'orders', { after: ['accounts'] }),
    working('counter', 'counter', {
      migrations: counted
        .filter(({ since }) => includes(release, since))
        .map(({ migration }) => migration),
    }),
    ...(guests[release] ?? []),
  ];
}
