import { definePlugin, type Plugin } from 'slipway';
import { assertUpgradeSafe, type UpgradeOptions, type UpgradeVerdict } from 'slipway/testing';
import { describe, expect, inject, it } from 'vitest';
import { migrationFolder } from '../support/migration-folder.ts';

const server = inject('postgresUrl');

const first = {
  '0000_items':
    "CREATE TYPE state AS ENUM ('new', 'sold');\n--> statement-breakpoint\n" +
    `CREATE TABLE items (id serial PRIMARY KEY, name varchar(12) NOT NULL UNIQUE, state state NOT NULL, price numeric(6, 2),
       data jsonb NOT NULL, tags text[] NOT NULL, at timestamptz NOT NULL DEFAULT now());\n--> statement-breakpoint\n` +
    "CREATE TABLE parts (item integer NOT NULL REFERENCES items (id), kind text NOT NULL CHECK (kind IN ('big', 'small')), PRIMARY KEY (item, kind));",
};

async function catalog(
  files: Readonly<Record<string, string>>,
  more: Partial<Plugin> = {},
): Promise<readonly Plugin[]> {
  return [
    { ...definePlugin({ id: 'catalog', migrations: await migrationFolder(files) }), ...more },
  ];
}

type Options = Partial<UpgradeOptions>;

/** Upgrades to a release with one more file. */
async function upgradeBy(sql: string, options: Options = {}): Promise<UpgradeVerdict> {
  const from = await catalog(first);
  const to = await catalog({ ...first, '0001_change': sql });
  return assertUpgradeSafe({ from, to, server, ...options });
}

/** Waits for an assertion that has to fail, and returns what it says. */
async function messageOf(asserting: Promise<unknown>): Promise<string> {
  const error: unknown = await asserting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION' });
  return (error as Error).message;
}

describe('an upgrade that is safe', () => {
  it('passes with rows in every table, beside an old replica that works', async () => {
    const counts: number[] = [];
    const verdict = await upgradeBy('ALTER TABLE items ADD COLUMN note text', {
      work: (old) => old.database('catalog').query('SELECT id, price FROM items'),
      check: async (next) => {
        const { rows } = await next
          .database('catalog')
          .query<{ count: string }>(
            'SELECT count(*) FROM items JOIN parts ON item = id WHERE note IS NULL',
          );
        counts.push(Number(rows[0]?.count));
      },
    });
    expect(verdict).toEqual({ notMade: new Map(), rewritten: [] });
    expect(counts).toEqual([3]);
  });

  it('passes with what it is meant to change, and names the tables that it rewrites', async () => {
    await expect(
      upgradeBy(
        'ALTER TABLE items DROP COLUMN price; ALTER TABLE parts ALTER COLUMN item TYPE bigint;',
        {
          mayChange: ['catalog.items.price'],
        },
      ),
    ).resolves.toEqual({ notMade: new Map(), rewritten: ['catalog.parts'] });
  });

  it('passes as two lists', async () => {
    const from = await catalog(first);
    await expect(assertUpgradeSafe(from, from)).resolves.toMatchObject({ rewritten: [] });
  });

  it('of a plugin with another id passes where the new release replaces the old one', async () => {
    const from = await catalog(first);
    const to = await catalog(first, { id: 'inventory', previousIds: ['catalog'] });
    expect(await messageOf(assertUpgradeSafe({ from, to, server }))).toContain('MIGRATION_RENAMED');
    await assertUpgradeSafe({ from, to, server, beside: false });
  });

  it('reports tables for which no row could be made', async () => {
    const strict = 'CREATE TABLE pairs (a integer NOT NULL, b integer NOT NULL, CHECK (a < b))';
    const from = await catalog({ ...first, '0001_pairs': strict });
    const { notMade } = await assertUpgradeSafe({ from, to: from, server });
    expect([...notMade.keys()]).toEqual(['catalog.pairs']);
    expect(notMade.get('catalog.pairs')).toContain('violates check constraint');
  });
});

describe('what an upgrade does wrong', () => {
  it('a NOT NULL column without a default, on a table with rows', async () => {
    const message = await messageOf(upgradeBy('ALTER TABLE items ADD COLUMN note text NOT NULL'));
    expect(message).toContain('the new release does not come up on tables with rows');
    expect(message).toContain('column "note" of relation "items" contains null values');
    expect(message).toContain('nullable, filled, NOT NULL');
  });

  it('a column that the old release does not know and has to write', async () => {
    const message = await messageOf(
      upgradeBy(
        "ALTER TABLE items ADD COLUMN note text NOT NULL DEFAULT ''; ALTER TABLE items ALTER COLUMN note DROP DEFAULT;",
      ),
    );
    expect(message).toContain(
      'a row as the old release writes it is refused by catalog.items: null value in column "note"',
    );
  });

  it('a column that is dropped', async () => {
    const message = await messageOf(upgradeBy('ALTER TABLE items DROP COLUMN price'));
    expect(message).toContain('catalog.items.price is gone');
    expect(message).toContain("list 'catalog.items.price' in mayChange");
  });

  it('a column that is dropped, and the old release still selects', async () => {
    const message = await messageOf(
      upgradeBy('ALTER TABLE items DROP COLUMN price', {
        mayChange: ['catalog.items.price'],
        work: (old) => old.database('catalog').query('SELECT price FROM items'),
      }),
    );
    expect(message).toContain(
      'work of the old release fails beside the new one: column "price" does not exist',
    );
  });

  it('a column that the init of the old release needs, as after a rollback', async () => {
    const from = await catalog(first, {
      init: async ({ database }) => {
        await (database as { query(sql: string): Promise<unknown> }).query(
          'SELECT price FROM items',
        );
      },
    });
    const to = await catalog({ ...first, '0001_change': 'ALTER TABLE items DROP COLUMN price' });
    const message = await messageOf(
      assertUpgradeSafe({ from, to, server, mayChange: ['catalog.items.price'] }),
    );
    expect(message).toContain(
      'another replica of the old release does not come up after the upgrade',
    );
    expect(message).toContain('INIT_FAILED');
  });

  it('a column or a table with another name', async () => {
    const message = await messageOf(
      upgradeBy(
        'ALTER TABLE items RENAME COLUMN price TO amount; ALTER TABLE parts RENAME TO pieces;',
      ),
    );
    expect(message).toContain('catalog.items.price is called amount now');
    expect(message).toContain('catalog.parts is called catalog.pieces now');
  });

  it('rows that are gone, tables that are gone, and values that are others', async () => {
    const message = await messageOf(
      upgradeBy(
        "DELETE FROM parts; UPDATE items SET price = 1, name = 'x' || id; DROP TABLE parts;",
      ),
    );
    expect(message).toContain('catalog.parts is gone, with 3 rows');
    expect(message).toContain(
      'catalog.items.price: other values in 3 rows, such as "1001.00" became "1.00"',
    );
    const fewer = await messageOf(
      upgradeBy('DELETE FROM parts WHERE item = (SELECT min(id) FROM items)'),
    );
    expect(fewer).toContain('catalog.parts: 1 of 3 rows is gone');
  });

  it('a table that is locked for long', async () => {
    const options = { lockWait: '200ms' } as const;
    const message = await messageOf(
      upgradeBy('LOCK TABLE items IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5);', options),
    );
    expect(message).toMatch(
      /a statement of the old release waited \d+ ms and more for catalog\.items, where the new release held AccessExclusiveLock/,
    );
  });

  it('rows that are locked for long', async () => {
    const message = await messageOf(
      upgradeBy('UPDATE items SET price = price; SELECT pg_sleep(1.5);', {
        lockWait: '200ms',
        work: (old) => old.database('catalog').query("UPDATE items SET state = 'sold'"),
        mayChange: ['catalog.items.state'],
      }),
    );
    expect(message).toMatch(/waited \d+ ms and more for a row/);
  });

  it('an upgraded database that is not as a fresh one', async () => {
    const from = await catalog(first);
    const edited = first['0000_items'].replace('numeric(6, 2)', 'integer');
    const to = await catalog({
      '0000_items': edited,
      '0001_more': 'CREATE INDEX ON items (price)',
    });
    const message = await messageOf(assertUpgradeSafe({ from, to, server }));
    expect(message).toContain(
      'column catalog.items.price: numeric(6,2) after the upgrade, integer in a fresh install',
    );
    expect(message).toContain('do not edit or remove a file that is applied');
    expect(message).not.toContain('index');
  });

  it('data that the new release does not find, with rows of the test itself', async () => {
    const message = await messageOf(
      upgradeBy('ALTER TABLE parts ADD COLUMN size text', {
        seed: (old) =>
          old
            .database('catalog')
            .query(
              "INSERT INTO items (name, state, data, tags) VALUES ('anvil', 'new', '{}', '{}')",
            ),
        check: async (next) => {
          const { rows } = await next.database('catalog').query('SELECT name FROM items');
          expect(rows).toEqual([{ name: 'bellows' }]);
        },
      }),
    );
    expect(message).toContain('check of the new release fails');
  });

  it('a release that does not come up on a fresh database, old or new', async () => {
    const good = await catalog(first);
    const bad = await catalog({ '0000_items': 'CREATE TABLE items (id nothing)' });
    expect(await messageOf(assertUpgradeSafe({ from: good, to: bad, server }))).toContain(
      'the new release does not come up on a fresh database',
    );
    expect(await messageOf(assertUpgradeSafe({ from: bad, to: good, server }))).toContain(
      'the old release does not come up',
    );
  });
});

it('options are checked', async () => {
  const [plugins] = [await catalog(first)];
  await expect(
    assertUpgradeSafe({ from: plugins, to: plugins, server, mayChange: ['price'] }),
  ).rejects.toThrow("a table or a column, such as 'catalog.items'");
});
