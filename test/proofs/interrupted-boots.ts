import type { Pool } from 'pg';
import { expect } from 'vitest';
import { toError } from '../../src/core/error-record.ts';
import type { Boot, BootError, BootOptions, Plugin } from '../../src/index.ts';
import type { BootUnderTest, useBoots } from '../support/boot-under-test.ts';
import { readCatalog } from '../support/catalog.ts';
import { migrationFolder } from '../support/migration-folder.ts';
import {
  startTurnstile,
  type StopPlace,
  type StoppedConnection,
  type Turnstile,
} from '../support/turnstile.ts';
import type { TestDatabase } from '../support/test-database.ts';

/** A file of each kind that can be cut off in the middle. What runs twice fails, or counts twice. */
const fiveFiles = {
  '0000_orders': `CREATE TYPE order_state AS ENUM ('placed', 'paid');--> statement-breakpoint
                  CREATE TABLE orders (id int PRIMARY KEY, state order_state NOT NULL, cents int);--> statement-breakpoint
                  INSERT INTO orders VALUES (1, 'placed', 500), (2, 'paid', 700), (3, 'paid', 900);`,
  '0001_archived': `ALTER TYPE order_state ADD VALUE 'archived';--> statement-breakpoint
                    ALTER TABLE orders ADD COLUMN version int DEFAULT 0 NOT NULL;`,
  '0002_archive': `UPDATE orders SET state = 'archived', version = version + 1 WHERE state = 'paid';--> statement-breakpoint
                   CREATE TABLE archive (order_id int NOT NULL REFERENCES orders(id));--> statement-breakpoint
                   INSERT INTO archive SELECT id FROM orders WHERE state = 'archived';`,
  '0003_index': 'CREATE INDEX CONCURRENTLY orders_state_index ON orders (state);',
  '0004_prices': `UPDATE orders SET cents = cents + 100, version = version + 1;--> statement-breakpoint
                  ALTER TABLE orders ALTER COLUMN cents SET NOT NULL;`,
};

/** A plugin whose boot is to be interrupted at one place, on a way to the database of its own. */
export interface Candidate {
  readonly place: StopPlace;
  /** Resolves when its boot stands there. */
  readonly standing: Promise<StoppedConnection>;
  readonly plugin: Plugin & { readonly migrations: string };
  readonly turnstile: Turnstile;
}

/** Plugins with the same five files, one for each place at which the boot of such a plugin can be interrupted. */
export interface Interruptions extends AsyncDisposable {
  readonly candidates: readonly Candidate[];
  /** The requests of a boot without a fault, from its connect to its flush. */
  readonly requests: readonly string[];
  /**
   * Starts their boots one after another, each when the one before stands: a `CREATE INDEX CONCURRENTLY` waits for every
   * transaction of the database that happens to run a statement at that moment, until it ends.
   */
  startEach(start: (candidate: Candidate) => void): Promise<readonly StoppedConnection[]>;
  /** Boots all of them once more, straight: each has to end up as if nobody had interrupted it. */
  expectHealed(): Promise<void>;
}

/** Migrates one such plugin without interruption first, to know what that sends and leaves. */
export async function prepareInterruptions(
  database: Pick<TestDatabase, 'url' | 'pool'>,
  bootUnderTest: ReturnType<typeof useBoots>,
  isWanted: (place: StopPlace, requests: number) => boolean = () => true,
): Promise<Interruptions> {
  const migrations = await migrationFolder(fiveFiles);
  const bootOf = (url: string, plugins: readonly Plugin[]): BootUnderTest['boot'] =>
    bootUnderTest({ pool: url, plugins }).boot;
  await using first = await startTurnstile(database.url);
  const boot = bootOf(first.url, [{ id: 'shop', migrations }]);
  await boot.start();
  await boot.stop();
  const requests = [...first.requests];
  const places = placesOf(requests, first.inBatch).filter((place) =>
    isWanted(place, requests.length),
  );
  const candidates = await Promise.all(
    places.map(async (place, index) => {
      const turnstile = await startTurnstile(database.url);
      const plugin = { id: `shop-${index}`, migrations: await migrationFolder(fiveFiles) };
      return { place, plugin, turnstile, standing: turnstile.stopAt(place) };
    }),
  );
  let closed: Promise<unknown> | undefined;
  return {
    candidates,
    requests,
    async startEach(start) {
      const standing: StoppedConnection[] = [];
      for (const candidate of candidates) {
        start(candidate);
        standing.push(await candidate.standing);
      }
      return standing;
    },
    async expectHealed() {
      const again = bootOf(
        database.url,
        candidates.map(({ plugin }) => plugin),
      );
      await again.start();
      await again.stop();
      const pool = database.pool();
      const whole = await readCatalog(pool, 'plugin_shop');
      expect(whole).toContain('enum order_state: placed, paid, archived');
      expect(whole.filter((line) => line.startsWith('row of __drizzle_migrations'))).toHaveLength(
        Object.keys(fiveFiles).length,
      );
      for (const { plugin, place } of candidates) {
        const catalog = await readCatalog(pool, `plugin_${plugin.id}`);
        expect(catalog, `${place.when} ${place.request}`).toEqual(whole);
      }
    },
    async [Symbol.asyncDispose]() {
      await (closed ??= Promise.all(candidates.map(({ turnstile }) => turnstile.close())));
    },
  };
}

/**
 * Before and after each request; and before each statement of a batch, in the files before the index. These come last: in the
 * middle of a batch a session has a snapshot, which would keep the index of another plugin waiting.
 */
function placesOf(requests: readonly string[], inBatch: ReadonlySet<number>): readonly StopPlace[] {
  const all = requests.map((_, index) => index + 1);
  const index = requests.findIndex((sql) => sql.includes('CONCURRENTLY')) + 1;
  return [
    ...all
      .filter((request) => !inBatch.has(request))
      .flatMap((request) => (['before', 'after'] as const).map((when) => ({ request, when }))),
    ...all
      .filter((request) => inBatch.has(request) && request < index)
      .map((request) => ({ request, when: 'before' as const })),
  ];
}

/** How the boot of a candidate ended. */
export interface InterruptedEnd {
  /** Whether its lock was asked for, and not every file committed, at its place. */
  readonly isMigrating: boolean;
  /** Whether a file had begun that is not committed yet; undefined where that depends on whether an answer arrives. */
  readonly hasBegun: boolean | undefined;
  /** For failures of the test. */
  readonly name: string;
  /** Undefined when it got through. */
  readonly error: Error | undefined;
}

/** Boots of all candidates in this process, each with a pool of its own. All of them stand. */
export interface InterruptedBoots {
  readonly standing: readonly StoppedConnection[];
  readonly boots: readonly BootUnderTest['boot'][];
  ends(): Promise<readonly InterruptedEnd[]>;
  /** Fails when a client went back into its pool with a transaction, a lock or a setting of a migration. */
  expectCleanPools(): Promise<void>;
}

/** Starts one for each. */
export async function bootEach(
  interruptions: Interruptions,
  database: Pick<TestDatabase, 'pool'>,
  bootUnderTest: ReturnType<typeof useBoots>,
  options: Pick<BootOptions, 'stop'> = {},
): Promise<InterruptedBoots> {
  const runs: { place: StopPlace; pool: Pool; boot: Boot; error: Promise<Error | undefined> }[] =
    [];
  const standing = await interruptions.startEach(({ turnstile, plugin, place }) => {
    const pool = database.pool({ connectionString: turnstile.url });
    const { boot } = bootUnderTest({ ...options, pool, plugins: [plugin] });
    const error = boot.start().then(() => undefined, toError);
    runs.push({ place, pool, boot, error });
  });
  const { requests } = interruptions;
  const lock = requests.findIndex((sql) => sql.includes('pg_try_advisory_lock')) + 1;
  const firstFile = lock + 1;
  // Behind it are the release of the lock, and the flush.
  const lastCommit = requests.findLastIndex((sql) => sql.toLowerCase() === 'discard all');
  return {
    standing,
    boots: runs.map(({ boot }) => boot),
    ends: () =>
      Promise.all(
        runs.map(async ({ place: { request, when }, error }) => ({
          isMigrating:
            request >= lock &&
            (request < lastCommit || (request === lastCommit && when === 'before')),
          hasBegun:
            when === 'after' && (request === firstFile - 1 || request === lastCommit)
              ? undefined
              : request >= firstFile && request <= lastCommit,
          name: `${when} ${request}: ${requests[request - 1]}`,
          error: await error,
        })),
      ),
    async expectCleanPools() {
      for (const { pool } of runs) await expectCleanPool(pool);
    },
  };
}

/**
 * Fails unless all whose file had begun say that the connection was lost, and why. All others get through: before the first
 * file a boot takes another connection, and after the last commit there is nothing left to lose.
 *
 * @param sqlState What PostgreSQL itself has said, if it could.
 */
export function expectLost(ends: readonly InterruptedEnd[], sqlState?: string): void {
  const lost = `MIGRATION_CONNECTION_LOST because of ${sqlState ?? 'an error'}`;
  const certain = ends.filter(({ hasBegun }) => hasBegun !== undefined);
  expect(certain.map((end) => `${end.name}: ${describeEnd(end, sqlState)}`)).toEqual(
    certain.map(({ name, hasBegun }) => `${name}: ${hasBegun ? lost : 'ready'}`),
  );
  const others = ends.filter(({ hasBegun }) => hasBegun === undefined);
  for (const end of others) expect(['ready', lost]).toContain(describeEnd(end, sqlState));
}

function describeEnd({ error }: InterruptedEnd, sqlState?: string): string {
  if (!error) return 'ready';
  const { code, cause } = error as BootError;
  if (!(cause instanceof Error)) return `${code} because of nothing`;
  const told = sqlState === undefined ? 'an error' : String((cause as NodeJS.ErrnoException).code);
  return `${code} because of ${told}`;
}

async function expectCleanPool(pool: Pool): Promise<void> {
  const clients = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  for (const client of clients) {
    const { rows } = await client.query(sessionState);
    client.release();
    expect(rows).toEqual([{ transaction: null, locks: 0, settings: null }]);
    expect(client.getTransactionStatus()).toBe('I');
  }
}

const sessionState = `SELECT pg_current_xact_id_if_assigned()::text AS transaction,
  (SELECT count(*)::int FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS locks,
  (SELECT json_object_agg(name, setting) FROM pg_settings WHERE source = 'session') AS settings`;
