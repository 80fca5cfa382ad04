import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { probes } from '../../src/http/index.ts';
import {
  definePlugin,
  provide,
  serviceRef,
  type Boot,
  type BootOptions,
  type Plugin,
} from '../../src/index.ts';
import { useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

/** In a connection string it is percent-encoded. */
const secret = 'pa$$ wörd/s3cret';
const forms = [
  secret,
  encodeURIComponent(secret),
  encodeURI(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
];

class Leaky extends Error {
  readonly password = secret;
  readonly config = { connectionString: `postgres://app:${encodeURIComponent(secret)}@db/app` };
  readonly parameters = [secret];
}

/** Such as the answer of a client of HTTP. */
const notAnError: unknown = { status: 401, headers: { authorization: secret } };

const tokenApi = serviceRef<{ readonly token: string }>('vault.token');
const mailApi = serviceRef<{ readonly key: string }>('mail.key');

/** A plugin that has the secret everywhere where a plugin may have one. */
async function vault(): Promise<Plugin> {
  return definePlugin({
    id: 'vault',
    provides: { tokenApi },
    deps: { mailApi },
    migrations: [
      {
        name: '0000_keys',
        run: async (client) => {
          await client.query('CREATE TABLE keys (value text)');
          await client.query('INSERT INTO keys VALUES ($1)', [secret]);
        },
      },
    ],
    init: async ({ database }) => {
      await database.query('INSERT INTO keys VALUES ($1)', [secret]);
      return { tokenApi: { token: secret } };
    },
  });
}

/** Boots as a user whose password is the secret, and returns everything that can be read of the boot. */
async function readAll(
  plugins: readonly Plugin[],
  more: Partial<BootOptions> = {},
): Promise<readonly string[]> {
  const { url } = await db.fresh();
  const connection = new URL(url);
  // The server of the tests trusts every password.
  connection.password = encodeURIComponent(secret);
  const seen: string[] = [];
  const keep = (...parts: unknown[]): void => void seen.push(JSON.stringify(parts, withErrors));
  const { boot } = bootUnderTest({
    pool: connection.href,
    plugins,
    services: [provide(mailApi, { key: secret })],
    record: (lines) => seen.push(lines),
    logger: pino({ level: 'trace' }, { write: (line) => seen.push(line) }),
    ...more,
  });
  boot.inspect(keep);
  await boot.start().catch((error: unknown) => keep(error));
  seen.push(await readProbes(boot), JSON.stringify(boot.state()));
  await boot.stop();
  seen.push(JSON.stringify(boot.report()), JSON.stringify(boot.events, withErrors));
  return seen;
}

/** What is emitted in this process has the errors themselves: here they are as a logger writes them. */
function withErrors(_: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value;
}

async function readProbes(boot: Boot): Promise<string> {
  const answers = ['startupz', 'readyz', 'livez'].map(async (path) => {
    const url = `http://localhost/${path}`;
    const answer = probes(boot)({ method: 'GET', url, headers: { get: () => null } });
    return answer?.text();
  });
  return (await Promise.all(answers)).join('\n');
}

function findSecret(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) =>
    forms.flatMap((form) => {
      const at = text.indexOf(form);
      return at < 0 ? [] : [text.slice(Math.max(0, at - 200), at + 50)];
    }),
  );
}

describe('a secret', () => {
  it('is in nothing that a boot which comes up emits, records or shows', async () => {
    const texts = await readAll([await vault()]);
    expect(texts.join('')).toContain('"outcome":"ready"');
    expect(findSecret(texts)).toEqual([]);
  });

  it.each([
    ['init', { init: () => Promise.reject(new Leaky('no luck')) }],
    ['ready', { ready: () => Promise.reject(new Leaky('no luck')) }],
    [
      'stop',
      {
        init: ({ onStop }: { onStop: (end: () => Promise<never>) => void }) =>
          onStop(() => Promise.reject(new Leaky('no luck'))),
      },
    ],
    [
      'an attempt',
      {
        init: () => Promise.reject(new Leaky('no luck')),
        retry: { attempts: 2, backoff: 1 },
      },
    ],
    [
      'a migration',
      { migrations: [{ name: '0000_a', run: () => Promise.reject(new Leaky('no luck')) }] },
    ],
    [
      'a cause',
      { init: () => Promise.reject(new Error('outer', { cause: new Leaky('no luck') })) },
    ],
    [
      'one of several errors',
      { init: () => Promise.reject(new AggregateError([new Leaky('no luck')], 'all')) },
    ],
    ['something that is no error', { init: () => Promise.reject(notAnError) }],
  ])('in the properties of what %s throws is in none of them', async (_, plugin) => {
    const texts = await readAll([await vault(), { id: 'leaky', ...plugin }]);
    expect(texts.join('')).toMatch(/leaky/);
    expect(findSecret(texts)).toEqual([]);
  });

  it('in a parameter of a statement that fails is in none of them', async () => {
    const run = (client: { query(sql: string, values: unknown[]): Promise<unknown> }) =>
      client.query('SELECT $1::text, 1 / (length($1) - length($1))', [secret]);
    const texts = await readAll([{ id: 'leaky', migrations: [{ name: '0000_a', run }] }]);
    expect(texts.join('')).toMatch(/division by zero/);
    expect(findSecret(texts)).toEqual([]);
  });

  it('in a literal of a statement that runs is in none of them', async () => {
    const migrations = await migrationFolder({
      '0000_keys': `CREATE TABLE keys (value text);\n--> statement-breakpoint\nINSERT INTO keys VALUES ('${secret}');`,
    });
    expect(findSecret(await readAll([{ id: 'keys', migrations }]))).toEqual([]);
  });

  it('in the connection string of a server that does not answer is in none of them', async () => {
    const pool = `postgres://app:${encodeURIComponent(secret)}@127.0.0.1:1/app`;
    const texts = await readAll([await vault()], { pool, connect: { wait: 0 } });
    expect(texts.join('')).toMatch(/DATABASE_UNREACHABLE/);
    expect(findSecret(texts)).toEqual([]);
  });

  it('in an author’s own message is where the message is', async () => {
    const init = () => Promise.reject(new Error(`no access with ${secret}`));
    expect(findSecret(await readAll([{ id: 'leaky', init }]))).not.toEqual([]);
  });

  it('in a migration file is in the excerpt of a statement that fails there', async () => {
    const migrations = await migrationFolder({ '0000_a': `SELECT nothing('${secret}');` });
    expect(findSecret(await readAll([{ id: 'leaky', migrations }]))).not.toEqual([]);
  });
});
