import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { UnstampedEvent } from '../../src/core/events.ts';
import { toScript } from '../../src/postgres/migrate/migration-script.ts';
import { migratePlugin } from '../../src/postgres/migrate/migrator.ts';
import { toMigrations } from '../../src/postgres/sources/read-migrations.ts';
import { useDatabase } from '../support/database.ts';
import { coded, errorOf, migrateOptions, pluginWith, toPlugin } from './migration-fixture.ts';

const db = useDatabase();

/** The events in short: `executing 0000_a.sql 1: CREATE TABLE, line 1`. */
function brief(told: readonly UnstampedEvent[]): readonly string[] {
  return told.map((event) => {
    const name = event.type.replace('plugin.migrate.', '');
    switch (event.type) {
      case 'plugin.migrate.applying': {
        const { file, index, of, statements, transaction } = event;
        const how = transaction ? '' : ' without a transaction';
        return `${name} ${file}, ${index} of ${of}: ${statements ?? 'any number of'} statements${how}`;
      }
      case 'plugin.migrate.executing': {
        const { file, statement, command, line } = event;
        return `${name} ${file} ${statement}: ${command}${line === undefined ? '' : `, line ${line}`}`;
      }
      case 'plugin.migrate.executed':
        return `${name} ${event.file} ${event.statement}`;
      default:
        return 'file' in event ? `${name} ${event.file}` : name;
    }
  });
}

describe('what begins and what ends', () => {
  test('in a file are its statements, one after the other, with their first lines', async () => {
    const plugin = await pluginWith('files', {
      '0000_a':
        '-- why\r\n\r\ncreate table a (id int);\r\n--> statement-breakpoint\r\n/* an\nindex */ create index on "a" (id);',
      '0001_b': 'insert into a values (1); drop table a',
    });
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    expect(brief(options.told)).toEqual([
      'applying 0000_a.sql, 1 of 2: 2 statements',
      'executing 0000_a.sql 1: CREATE TABLE, line 3',
      'executed 0000_a.sql 1',
      'executing 0000_a.sql 2: CREATE INDEX, line 6',
      'executed 0000_a.sql 2',
      'applied 0000_a.sql',
      'applying 0001_b.sql, 2 of 2: 1 statements',
      'executing 0001_b.sql 1: INSERT INTO, line 1',
      'executed 0001_b.sql 1',
      'applied 0001_b.sql',
    ]);
  });

  test('in a function is what it sends', async () => {
    const plugin = coded('functions', {
      first: async (client) => {
        // Also where it does not wait for the first one.
        await Promise.all([
          client.query('create table a (id int)'),
          client.query('insert into a values ($1)', [1]),
        ]);
      },
      second: () => Promise.resolve(),
    });
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    expect(brief(options.told)).toEqual([
      'applying first, 1 of 2: any number of statements',
      'executing first 1: CREATE TABLE',
      'executed first 1',
      'executing first 2: INSERT INTO',
      'executed first 2',
      'applied first',
      'applying second, 2 of 2: any number of statements',
      'applied second',
    ]);
  });

  test('without a transaction is a file that asks for none, and a function', async () => {
    const plugin = toPlugin('alone', [
      ...(await pluginWith('alone', {
        '0000_a': 'create table a (id int);',
        '0001_index': '-- for search\ncreate unique index concurrently a_id on a (id);',
      }).then(({ files }) => files)),
      ...toMigrations([
        { name: 'vacuum', transaction: false, run: (client) => client.query('vacuum a') },
      ]),
    ]);
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    expect(brief(options.told).slice(4)).toEqual([
      'applying 0001_index.sql, 2 of 3: 1 statements without a transaction',
      'executing 0001_index.sql 1: CREATE UNIQUE INDEX CONCURRENTLY, line 2',
      'executed 0001_index.sql 1',
      'applied 0001_index.sql',
      'applying vacuum, 3 of 3: any number of statements without a transaction',
      'executing vacuum 1: VACUUM',
      'executed vacuum 1',
      'applied vacuum',
    ]);
  });

  test('is no statement where an index is there already and taken as done', async () => {
    const files = {
      '0000_a': 'create table a (id int);',
      '0001_index': 'create index concurrently a_id on a (id);',
    };
    const pool = db.pool();
    await migratePlugin(
      pool,
      await pluginWith('built', { '0000_a': files['0000_a'] }),
      migrateOptions(),
    );
    await db.query('create index a_id on plugin_built.a (id)');
    const options = migrateOptions();
    await migratePlugin(pool, await pluginWith('built', files), options);
    expect(brief(options.told)).toEqual([
      'applying 0001_index.sql, 1 of 1: 1 statements without a transaction',
      'boot.warning',
      'applied 0001_index.sql',
    ]);
  });

  test('begins again at each attempt at a file', async () => {
    const files = { '0000_a': 'create table a (id int);' };
    const pool = db.pool();
    await migratePlugin(pool, await pluginWith('again', files), migrateOptions());
    const app = await lockTable(pool, 'plugin_again.a');
    const told: UnstampedEvent[] = [];
    const options = migrateOptions({
      migrations: { ddlLockTimeout: 60 },
      emit: (event) => {
        told.push(event);
        if (event.type === 'plugin.migrate.retrying' && event.attempt === 1) void app.end();
      },
    });
    const more = {
      ...files,
      '0001_b': 'select 1;--> statement-breakpoint\nalter table a add b int;',
    };
    await migratePlugin(pool, await pluginWith('again', more), options);
    const attempt = [
      'applying 0001_b.sql, 1 of 1: 2 statements',
      'executing 0001_b.sql 1: SELECT, line 1',
      'executed 0001_b.sql 1',
      'executing 0001_b.sql 2: ALTER TABLE, line 2',
    ];
    const first = [...attempt, 'retrying 0001_b.sql'];
    const last = [...attempt, 'executed 0001_b.sql 2', 'applied 0001_b.sql'];
    expect(brief(told).slice(0, first.length)).toEqual(first);
    expect(brief(told).slice(-last.length)).toEqual(last);
  });

  test('does not end where a statement fails, neither in a file nor in a function', async () => {
    const files = {
      '0000_a': 'create table a (id int);--> statement-breakpoint\nselect 1 / 0;',
      '0001_b': 'select 1;',
    };
    const options = migrateOptions();
    await errorOf(migratePlugin(db.pool(), await pluginWith('fails', files), options));
    expect(brief(options.told)).toEqual([
      'applying 0000_a.sql, 1 of 2: 2 statements',
      'executing 0000_a.sql 1: CREATE TABLE, line 1',
      'executed 0000_a.sql 1',
      'executing 0000_a.sql 2: SELECT, line 2',
    ]);
    const coding = migrateOptions();
    const run = coded('fails_too', { wrong: (client) => client.query('selec 1') });
    await errorOf(migratePlugin(db.pool(), run, coding));
    expect(brief(coding.told)).toEqual([
      'applying wrong, 1 of 1: any number of statements',
      'executing wrong 1: ',
    ]);
  });

  test('goes on behind a statement whose failure a function has caught', async () => {
    const plugin = toPlugin(
      'caught',
      toMigrations([
        {
          name: 'tries',
          transaction: false,
          run: async (client) => {
            await client.query('select 1 / 0').catch(() => undefined);
            await client.query('create table a ()');
          },
        },
      ]),
    );
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    expect(brief(options.told).slice(1)).toEqual([
      'executing tries 1: SELECT',
      'executing tries 2: CREATE TABLE',
      'executed tries 2',
      'applied tries',
    ]);
  });

  test('has nothing of a statement but its keywords', async () => {
    const secret = 'planted-secret';
    const plugin = await pluginWith('secretive', {
      '0000_a': `create table "${secret}" (id text default '${secret}'); -- ${secret}`,
      '0001_b': `insert into "${secret}" values ('${secret}');--> statement-breakpoint\nselect $$${secret}$$;`,
    });
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    const sent = coded('secretive', {
      '0002_c': (client) => client.query('select $1::text', [secret]),
    });
    await migratePlugin(
      db.pool(),
      toPlugin('secretive', [...plugin.files, ...sent.files]),
      options,
    );
    expect(brief(options.told).filter((line) => line.startsWith('executing'))).toEqual([
      'executing 0000_a.sql 1: CREATE TABLE, line 1',
      'executing 0001_b.sql 1: INSERT INTO, line 1',
      'executing 0001_b.sql 2: SELECT, line 2',
      'executing 0002_c 1: SELECT',
    ]);
    expect(JSON.stringify(options.told)).not.toContain(secret);
  });

  test('has the lines of the file that its author wrote, also where its SQL is edited', async () => {
    const plugin = await pluginWith('edited', {
      '0000_a':
        'create table "public"."a" (id int);--> statement-breakpoint\n\nalter table "public"."a"\n add b int;',
    });
    const options = migrateOptions();
    await migratePlugin(db.pool(), plugin, options);
    expect(brief(options.told)).toContain('executing 0000_a.sql 2: ALTER TABLE, line 3');
  });

  test('has its lines also in a file of many thousand statements, which is walked through once', async () => {
    const count = 25_000;
    const text = Array.from({ length: count }, () => 'select;').join(
      '\n--> statement-breakpoint\n',
    );
    const [file] = (await pluginWith('many', { '0000_many': text })).files;
    const lines: (number | undefined)[] = [];
    const script = file && (await toScript(file, 'plugin_many', true));
    await script?.sendEach(async ({ line }) => void lines.push(line));
    expect(lines).toEqual(Array.from({ length: count }, (_, index) => 2 * index + 1));
  });
});

async function lockTable(
  pool: pg.Pool,
  table: string,
): Promise<{ readonly end: () => Promise<void> }> {
  const client = await pool.connect();
  await client.query(`begin; lock table ${table}`);
  return {
    end: async () => {
      await client.query('rollback');
      client.release();
    },
  };
}
