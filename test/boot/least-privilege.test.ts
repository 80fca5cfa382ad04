import { describe, expect, it } from 'vitest';
import type { BootOptions } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase, type Database } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

const first = { '0000_t': 'CREATE TABLE t (id int);' };
const both = { ...first, '0001_u': 'CREATE TABLE u (id int);' };

interface Given {
  readonly database: Database;
  readonly role: string;
  /** A boot of the plugin `a` by a role that has no more rights than it is given. */
  readonly options: (files: Readonly<Record<string, string>>) => Promise<BootOptions>;
}

/** Runs a test with a role of its own, which is gone afterwards. */
async function withRole(use: (given: Given) => Promise<void>): Promise<void> {
  const database = await db.fresh();
  const role = database.name;
  await database.query(`CREATE ROLE ${role} LOGIN`);
  try {
    const url = new URL(database.url);
    url.username = role;
    const options: Given['options'] = async (files) => {
      const plugin = { id: 'a', migrations: await migrationFolder(files), init: () => {} };
      return { pool: url.href, plugins: [plugin] };
    };
    await use({ database, role, options });
  } finally {
    await database.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  }
}

const rights = [
  ['USAGE', 'SCHEMA "plugin_a"'],
  ['CREATE', 'SCHEMA "plugin_a"'],
  ['SELECT', '"plugin_a"."__drizzle_migrations"'],
  ['INSERT', '"plugin_a"."__drizzle_migrations"'],
  ['USAGE', 'SEQUENCE "plugin_a"."__drizzle_migrations_id_seq"'],
] as const;

describe('a role with few rights', () => {
  it('is told which schema of extensions it may not use', async () => {
    await withRole(async ({ database, role, options }) => {
      await database.query(
        `CREATE SCHEMA "Ext s"; CREATE EXTENSION citext SCHEMA "Ext s"; CREATE SCHEMA plugin_a AUTHORIZATION ${role}`,
      );
      const files = { '0000_t': 'CREATE TABLE t (c citext);' };
      const error = await failureOf(bootUnderTest(await options(files)).boot.start());
      const grant = `GRANT USAGE ON SCHEMA "Ext s" TO "${role}";`;
      expect(error.hint).toContain(
        `citext is in schema Ext s, from extension citext, and the role ${role} may not use that schema: ${grant}`,
      );
      await database.query(grant);
      expect((await bootUnderTest(await options(files)).boot.start()).outcome).toBe('ready');
    });
  });

  it('boots and migrates without the right to create schemas, in one that was made for it', async () => {
    await withRole(async ({ database, role, options }) => {
      await database.query(
        `CREATE SCHEMA plugin_a; GRANT USAGE, CREATE ON SCHEMA plugin_a TO ${role}`,
      );
      for (const files of [first, both]) {
        const report = await bootUnderTest(await options(files)).boot.start();
        expect(report).toMatchObject({
          outcome: 'ready',
          plugins: [{ migrate: { outcome: 'done' } }],
        });
      }
      const again = await bootUnderTest(await options(both)).boot.start();
      expect(again.plugins[0]?.migrate.outcome).toBe('upToDate');
    });
  });

  it.each(rights)(
    'is told that it lacks %s on %s before anything is changed',
    async (right, on) => {
      await withRole(async ({ database, role, options }) => {
        const asOwner = { ...(await options(first)), pool: database.url };
        await bootUnderTest(asOwner).boot.migrate();
        for (const [each, place] of rights) {
          if (each !== right || place !== on) {
            await database.query(`GRANT ${each} ON ${place} TO ${role}`);
          }
        }
        const error = await failureOf(bootUnderTest(await options(both)).boot.start());
        expect(error.code).toBe('PLAN_INVALID');
        const grant = `GRANT ${right} ON ${on} TO "${role}";`;
        expect(error.problems).toMatchObject([
          {
            code: 'DATABASE_PRIVILEGE',
            plugin: 'a',
            message: `a: the role ${role} lacks ${right} on ${on}`,
            hint: grant,
          },
        ]);
        const { rows } = await database.query(`SELECT to_regclass('plugin_a.u')::text AS found`);
        expect(rows).toEqual([{ found: null }]);
        await database.query(grant);
        expect((await bootUnderTest(await options(both)).boot.start()).outcome).toBe('ready');
      });
    },
  );

  it('is told that it lacks CREATE on the database where it would have to make a schema', async () => {
    await withRole(async ({ database, role, options }) => {
      const error = await failureOf(bootUnderTest(await options(first)).boot.start());
      const grant = `GRANT CREATE ON DATABASE "${database.name}" TO "${role}";`;
      expect(error.problems).toMatchObject([{ code: 'DATABASE_PRIVILEGE', hint: grant }]);
      await database.query(grant);
      expect((await bootUnderTest(await options(first)).boot.start()).outcome).toBe('ready');
    });
  });
});
