import type { Pool } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createScopedPool } from '../../src/postgres/scoped/scoped-pool.ts';
import { useDatabase } from '../support/database.ts';
import { changes, failures, relational, selects, type Cases } from './scoped-query-cases.ts';
import { namedTexts, prepared, texts, transactions } from './scoped-text-cases.ts';
import { values } from './scoped-value-cases.ts';
import { createWorld, drizzle045, loadDrizzle1, worldSql, type World } from './scoped-world.ts';

const db = useDatabase();
const drizzle1 = await loadDrizzle1();
let admin: Pool;
/** The next transaction that changes anything, when the schema was as new. */
let untouchedAt: unknown;

beforeAll(() => {
  admin = db.pool({ max: 1 });
});

/** Makes the schema anew, when a case has changed anything. */
async function resetWorld(): Promise<void> {
  if ((await readNextTransaction()) === untouchedAt) return;
  await admin.query(worldSql);
  untouchedAt = await readNextTransaction();
}

async function readNextTransaction(): Promise<unknown> {
  const { rows } = await admin.query('select pg_snapshot_xmax(pg_current_snapshot()) as next');
  return (rows[0] as { readonly next: unknown }).next;
}

async function readVersion(): Promise<number> {
  const { rows } = await admin.query('show server_version_num');
  return Number((rows[0] as { readonly server_version_num: string }).server_version_num);
}

type Run = (world: World) => Promise<unknown>;

/** A case and how it ends, on a fresh schema. */
async function outcomeOf(run: Run, world: World): Promise<Outcome> {
  await resetWorld();
  try {
    return { value: describeValue(await run(world)) };
  } catch (thrown) {
    const { code, position, severity, constraint, message } = findPgError(thrown);
    return { code, position, details: { severity, constraint, message } };
  }
}

interface Outcome {
  readonly value?: unknown;
  readonly code?: string | undefined;
  readonly position?: string | undefined;
  readonly details?: object;
}

interface PgError extends Error {
  readonly code?: string;
  readonly position?: string;
  readonly severity?: string;
  readonly constraint?: string;
}

/** Drizzle wraps the errors of pg. */
function findPgError(thrown: unknown): PgError {
  const { cause } = thrown as { readonly cause?: unknown };
  return (cause instanceof Error ? cause : thrown) as PgError;
}

/** Leaves out the oids of tables and types, which are new in each schema. */
function describeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(describeValue);
  if (typeof value !== 'object' || value === null || !('fields' in value)) return value;
  const { command, rowCount, rows, fields } = value as {
    readonly command: string;
    readonly rowCount: number | null;
    readonly rows: readonly unknown[];
    readonly fields: readonly {
      readonly name: string;
      readonly dataTypeID: number;
      readonly format: string;
    }[];
  };
  const columns = fields.map(({ name, dataTypeID, format }) => [
    name,
    dataTypeID < 16_384 && dataTypeID,
    format,
  ]);
  return { command, rowCount, rows, columns };
}

describe.each([drizzle045, drizzle1])('Drizzle $name on a scoped pool', (line) => {
  let scoped: World;
  let withPath: World;
  let qualified: World;

  // Few clients each, so that a prepared statement is likely on the one that ran it before.
  beforeAll(() => {
    const open = (options: object = {}): Pool => db.pool({ max: 2, ...options });
    scoped = createWorld(line, createScopedPool(open(), 'plugin_x'));
    withPath = createWorld(line, open({ options: '-c search_path=plugin_x' }));
    qualified = createWorld(line, open(), 'plugin_x');
  });

  /** The same as on a pool with this path, and as with qualified names, whose texts are longer. */
  async function expectSame(run: Run): Promise<Outcome> {
    const outcome = await outcomeOf(run, scoped);
    expect(outcome).toStrictEqual(await outcomeOf(run, withPath));
    const { code, value } = await outcomeOf(run, qualified);
    expect(outcome.code).toBe(code);
    // The logger gets the texts, in which the names are.
    const isText = run === transactions['the logger'];
    expect(isText || outcome.value).toStrictEqual(isText || value);
    return outcome;
  }

  const groups: Readonly<Record<string, Cases>> = {
    selects,
    changes,
    relational,
    values,
    texts,
    namedTexts,
    prepared,
    transactions,
  };
  describe.each(Object.entries(groups))('%s: what it gives without a scope', (_, cases) => {
    test.for(Object.entries(cases))('%s', async ([name, run], { skip }) => {
      if (name === 'merge' && (await readVersion()) < 150_000)
        skip('PostgreSQL 15 has MERGE first');
      expect(await expectSame(run)).toHaveProperty('value');
    });
  });

  test.each(Object.entries(failures))('fails as without a scope: %s', async (_, [code, run]) => {
    expect(await expectSame(run)).toMatchObject({ code });
  });
});
