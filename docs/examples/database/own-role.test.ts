import pg from 'pg';
import { createBoot, definePlugin } from 'slipway';
import { startPostgres } from 'slipway/testing';
import { expect, onTestFinished, test } from 'vitest';
import { cardsApi, payments } from './own-role.ts';

const codeOf = (query: Promise<unknown>): Promise<unknown> =>
  query.then(
    () => 'allowed',
    (error: { readonly code?: unknown }) => error.code,
  );

test('a plugin with a login role of its own reaches its schema and nothing else, and no other role reaches it', async () => {
  const postgres = await startPostgres({ from: 'local' });
  onTestFinished(() => postgres.stop());
  const owner = new pg.Pool({ connectionString: postgres.url });
  onTestFinished(() => owner.end());
  await owner.query('CREATE ROLE payments LOGIN; CREATE ROLE app LOGIN');
  const as = (role: string): string => {
    const url = new URL(postgres.url);
    url.username = role;
    return url.href;
  };

  const attempts: unknown[] = [];
  const curious = definePlugin({
    id: 'curious',
    pool: as('app'),
    after: ['payments'],
    migrations: [{ name: '0000_a', run: (client) => client.query('CREATE TABLE a ()') }],
    async init({ database }) {
      attempts.push(await codeOf(database.query('SELECT * FROM plugin_payments.cards')));
    },
  });
  const boot = createBoot({ pool: owner, plugins: [payments(as('payments')), curious] });
  await boot.start();
  await boot.services.get(cardsApi).save('4242');
  expect((await owner.query('SELECT * FROM plugin_payments.cards')).rows).toEqual([
    { number: '4242', saved_by: 'payments' },
  ]);

  const intruder = new pg.Pool({ connectionString: as('payments') });
  attempts.push(await codeOf(intruder.query('SELECT * FROM plugin_curious.a')));
  attempts.push(await codeOf(intruder.query('DROP TABLE plugin_payments.cards')));
  await intruder.end();
  expect(attempts).toEqual(['42501', '42501', '42501']);

  await boot.stop();
  const left = `SELECT usename FROM pg_stat_activity WHERE usename IN ('payments', 'app')`;
  await expect.poll(async () => (await owner.query(left)).rows).toEqual([]);
}, 60_000);
