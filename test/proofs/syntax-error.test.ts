import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { formatBootError, type Plugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder, writeMigrations } from '../support/migration-folder.ts';
import { copyShop, startShop } from './shop-process.ts';

// Processes take their time to start on a machine that is busy.
vi.setConfig({ testTimeout: 120_000 });

const db = useDatabase();
const bootUnderTest = useBoots();

/** Advisory locks that the test holds, so that it decides what happens when. */
const gates = { typo: 1, currentFile: 2 };

const prices = {
  '0000_items': 'CREATE TABLE items (id int);',
  '0001_prices': `SELECT pg_advisory_xact_lock_shared(${gates.typo});
--> statement-breakpoint
CREATE TABLE prices (
  id serial PRIMARY KEY,
  cents integer NUT NULL
);`,
  '0002_sales': 'CREATE TABLE sales (id int);',
};
const stock = {
  '0000_stock': `CREATE TABLE stock (id int);
--> statement-breakpoint
SELECT pg_advisory_xact_lock_shared(${gates.currentFile});`,
  '0001_shelves': 'CREATE TABLE shelves (id int);',
};

test('a syntax error says plugin, file, line and column; what runs beside it ends in good order; once it is corrected, the next boot completes', async () => {
  const fresh = await db.fresh();
  const pool = fresh.pool();
  const folder = await migrationFolder(prices);
  const plugins: readonly Plugin[] = [
    { id: 'prices', migrations: folder },
    { id: 'stock', migrations: await migrationFolder(stock) },
    { id: 'orders', migrations: await migrationFolder(stock), after: ['prices'] },
    { id: 'search' },
  ];
  const gate = await pool.connect();
  const open = (key: number) => gate.query('SELECT pg_advisory_unlock($1)', [key]);
  await gate.query('SELECT pg_advisory_lock($1), pg_advisory_lock($2)', Object.values(gates));

  const { boot, recording } = bootUnderTest({ pool, plugins });
  boot.on('plugin.migrate.executed', ({ plugin, statement }) => {
    if (plugin === 'stock' && statement === 1) void open(gates.typo);
  });
  boot.on('plugin.migrate.finished', ({ plugin }) => {
    if (plugin === 'prices') void open(gates.currentFile);
  });
  const error = await failureOf(boot.start());
  gate.release();

  expect(formatBootError(error)).toBe(`\
MIGRATION_FAILED: prices could not be migrated: 0001_prices.sql, statement 2 of 2: syntax error at or near "NUT"
  plugin    prices
  phase     migrateAll
  file      0001_prices.sql, statement 2 of 2, line 5, column 17
  state     42601

      3 | CREATE TABLE prices (
      4 |   id serial PRIMARY KEY,
      5 |   cents integer NUT NULL
        |                 ^
      6 | );

  → Correct 0001_prices.sql and start again. Nothing of 0001_prices.sql was kept; 0000_items.sql is committed and stays.`);
  expect(error.report).toMatchObject({
    outcome: 'failed',
    error: {
      code: 'MIGRATION_FAILED',
      plugin: 'prices',
      position: { file: '0001_prices.sql', line: 5, column: 17 },
    },
  });
  const { plugins: reported, phases } = error.report ?? boot.report();
  expect(reported.map(({ id, migrate, applied }) => [id, migrate.outcome, applied])).toEqual([
    ['prices', 'failed', ['0000_items.sql']],
    ['stock', 'canceled', ['0000_stock.sql']],
    ['orders', 'notReached', []],
    ['search', 'upToDate', []],
  ]);
  expect(phases.map(({ phase }) => phase)).not.toContain('initAll');
  expect(recording.lines('plugin.init.started')).toEqual([]);
  expect(recording.lines('plugin.stop.started')).toEqual([]);

  const corrected = prices['0001_prices'].replace('NUT', 'NOT');
  await writeMigrations(folder, { ...prices, '0001_prices': corrected });
  const second = bootUnderTest({ pool, plugins });
  const report = await second.boot.start();
  expect(report.plugins.map(({ id, applied }) => [id, applied])).toEqual([
    ['prices', ['0001_prices.sql', '0002_sales.sql']],
    ['stock', ['0001_shelves.sql']],
    ['orders', ['0000_stock.sql', '0001_shelves.sql']],
    ['search', []],
  ]);
});

test('a syntax error ends the shop with exit code 1 and says where; once it is corrected, the shop opens', async () => {
  const fresh = await db.fresh();
  const folder = await copyShop();
  const file = join(folder, 'plugins/catalog/drizzle/0001_price_changes.sql');
  const correct = await readFile(file, 'utf8');
  await writeFile(file, correct.replace('"price_cents" integer', '"price_cents" integr eger'));

  const broken = startShop({ folder, args: ['--once'], databaseUrl: fresh.url });
  expect(await broken.ended).toEqual({ code: 1, signal: null });
  const line = correct.slice(0, correct.indexOf('"price_cents" integer')).split('\n').length;
  expect(broken.output).toContain('MIGRATION_FAILED: catalog could not be migrated');
  expect(broken.output).toContain(
    `file      0001_price_changes.sql, statement 1 of 2, line ${line},`,
  );
  expect(broken.output).toMatch(/"price_cents" integr eger NOT NULL,\n +\| \s+\^\n/);
  expect(broken.output).not.toMatch(/started|ready after|The shop is open/);

  await writeFile(file, correct);
  const corrected = startShop({ folder, args: ['--once'], databaseUrl: fresh.url });
  expect(await corrected.ended).toEqual({ code: 0, signal: null });
  expect(corrected.output).toContain('The shop is open');
});
