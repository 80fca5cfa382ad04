import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { createBoot } from 'slipway';
import { createTemplateDatabase, type TestDatabase } from 'slipway/testing';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { asAdmin } from '../support/leaks.ts';
import { repository } from '../architecture/imports.ts';
import { runTypeScript } from '../support/run-typescript.ts';

const server = { url: inject('postgresUrl') };

const boats = {
  id: 'boats',
  migrations: [
    {
      name: '0001_boats',
      run: (client: { query(sql: string): Promise<unknown> }) =>
        client.query("create table boats (name text); insert into boats values ('Argo')"),
    },
  ],
};

/** Prepares as a plugin author does. */
const migrateBoats = async ({ url }: TestDatabase): Promise<void> => {
  await createBoot({ pool: url, plugins: [boats] }).migrate();
};

async function exists(name: string): Promise<boolean> {
  const { rows } = await asAdmin(server.url, (admin) =>
    admin.query('select from pg_database where datname = $1', [name]),
  );
  return rows.length > 0;
}

describe('a template database', () => {
  test('is prepared once, and each copy has what it has, and is its own', async () => {
    let prepared = 0;
    await using template = await createTemplateDatabase(server, async (database) => {
      prepared += 1;
      await migrateBoats(database);
    });
    const [one, other] = await Promise.all([template.create(), template.create()]);
    const read = async (database: TestDatabase): Promise<unknown> =>
      (await database.pool().query('select name from plugin_boats.boats')).rows;
    await one.pool().query('delete from plugin_boats.boats');
    expect(await read(one)).toEqual([]);
    expect(await read(other)).toEqual([{ name: 'Argo' }]);
    await using boot = createBoot({ pool: other.pool(), plugins: [boats] });
    expect((await boot.start()).plugins).toMatchObject([
      { id: 'boats', migrate: { outcome: 'upToDate' } },
    ]);
    expect(prepared).toBe(1);
  });

  test('leaves nothing: not the template, not its copies, not their connections', async () => {
    const template = await createTemplateDatabase(server, migrateBoats);
    const dropped = await template.create();
    const kept = await template.create();
    await using proof = await template.create();
    // A client that is never returned does not keep the database.
    const client = await dropped.pool().connect();
    await client.query('select 1');
    await dropped.drop();
    expect(await exists(dropped.name)).toBe(false);
    await kept.pool().query('select 1');
    await Promise.all([template.drop(), template.drop()]);
    for (const { name } of [template, kept, proof]) expect(await exists(name)).toBe(false);
    await expect(template.create()).rejects.toThrow('has been dropped');
    const { rows } = await asAdmin(server.url, (admin) =>
      admin.query(
        `select from pg_locks where locktype = 'advisory' and objid = ('x' || $1)::bit(32)::bigint::oid`,
        [template.name.slice(-8)],
      ),
    );
    expect(rows).toEqual([]);
  });

  test('is dropped when it cannot be prepared', async () => {
    let name = '';
    const failing = createTemplateDatabase(server, (database) => {
      ({ name } = database);
      throw new Error('no boats');
    });
    await expect(failing).rejects.toThrow('no boats');
    expect(name).toMatch(/^slipway_template_/);
    expect(await exists(name)).toBe(false);
  });

  test('names the connections that are left open', async () => {
    const left: Client[] = [];
    const failing = createTemplateDatabase(server, async ({ url }) => {
      const client = new Client({ connectionString: url, application_name: 'forgotten' });
      client.on('error', () => undefined);
      left.push(client);
      await client.connect();
      await client.query('select 42 as answer');
    });
    await expect(failing).rejects.toThrow(
      /has left 1 connection open[^]*\n {2}\d+ "forgotten" \(idle\): select 42 as answer/,
    );
    await Promise.allSettled(left.map((client) => client.end()));
  });

  test('of a process that was killed is dropped by the next one, and that of one that lives is not', async () => {
    const living = await createTemplateDatabase(server, () => undefined);
    onTestFinished(() => living.drop());
    const killed = spawnKeeper('keep');
    const names = await killed.names;
    expect(await Promise.all(names.map(exists))).toEqual([true, true]);
    await using before = await createTemplateDatabase(server, () => undefined);
    expect(await Promise.all([...names, living.name].map(exists))).toEqual([true, true, true]);
    killed.process.kill('SIGKILL');
    await once(killed.process, 'close');
    await expect
      .poll(async () => {
        await using later = await createTemplateDatabase(server, () => undefined);
        return Promise.all([...names, living.name, before.name, later.name].map(exists));
      })
      .toEqual([false, false, true, true, true]);
  });

  test('keeps no process alive', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...runTypeScript, 'test/testing/template-program.ts', server.url, 'leave'],
      { cwd: repository },
    );
    expect(stdout).toMatch(/^slipway_template_\w+ slipway_test_\w+\n$/);
  });
});

describe('a template that processes share', () => {
  test('is prepared once for all that run at the same time, and dropped by the last one', async () => {
    let prepared = 0;
    const prepare = async (database: TestDatabase): Promise<void> => {
      prepared += 1;
      await database.pool().query('create table t as select 1 as one');
    };
    const open = () => createTemplateDatabase(server, prepare, { share: 'one for all' });
    const templates = await Promise.all([open(), open(), open()]);
    expect(prepared).toBe(1);
    expect(new Set(templates.map(({ name }) => name)).size).toBe(1);
    const copies = await Promise.all(templates.map((template) => template.create()));
    expect(new Set(copies.map(({ name }) => name)).size).toBe(3);
    const [first, ...others] = templates;
    await first?.drop();
    const late = await others[0]?.create();
    expect((await late?.pool().query('select one from t'))?.rows).toEqual([{ one: 1 }]);
    for (const template of others) await template.drop();
    expect(await exists(first?.name ?? '')).toBe(false);
    await using again = await open();
    expect(again.name).toBe(first?.name);
    expect(prepared).toBe(2);
  });

  test('is prepared by the next process when the first one fails', async () => {
    let calls = 0;
    const prepare = (): void => {
      calls += 1;
      if (calls === 1) throw new Error('the first one fails');
    };
    const open = () => createTemplateDatabase(server, prepare, { share: 'after a failure' });
    const results = await Promise.allSettled([open(), open()]);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(calls).toBe(2);
    for (const result of results) if (result.status === 'fulfilled') await result.value.drop();
  });

  test('that another function prepares is another template', async () => {
    await using one = await createTemplateDatabase(server, () => 1, { share: 'name' });
    await using two = await createTemplateDatabase(server, () => 2, { share: 'name' });
    expect(two.name).not.toBe(one.name);
  });
});

/** A process that makes a template with a copy, prints their names, and waits. */
function spawnKeeper(mode: string) {
  const child = spawn(
    process.execPath,
    [...runTypeScript, 'test/testing/template-program.ts', server.url, mode],
    { cwd: repository, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const names = (async () => {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return line.toString().trim().split(' ');
  })();
  return { process: child, names };
}
