import { describe, expect, it } from 'vitest';
import { migrationLockKey } from '../../src/postgres/locks/advisory-lock.ts';
import { useDatabase } from '../support/database.ts';
import { startExample } from '../support/example-process.ts';
import { holdLock } from './held-lock.ts';
import { ask, type Answer } from './listening.ts';

const db = useDatabase();

/** Asks again until the answer is the one that is waited for. */
async function askUntil(url: string, isIt: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await ask(url);
    if (isIt(answer)) return answer;
  }
}

const bodyHas =
  (text: string) =>
  ({ body }: Answer): boolean =>
    JSON.stringify(body).includes(text);

describe('the example with node:http', () => {
  it('answers from the first moment, serves once it is ready, and ends in good order', async () => {
    const { url } = await db.fresh();
    await using lock = await holdLock(url, migrationLockKey('plugin_guestbook'));
    const example = startExample('http/node.ts', { databaseUrl: url });
    const address = await example.address();
    const guestbook = `${address}/api/guestbook`;

    const waiting = await askUntil(`${address}/startupz`, bodyHas('"holder"'));
    expect(waiting).toMatchObject({
      status: 503,
      body: { phase: 'migrateAll', running: [{ plugin: 'guestbook' }] },
    });
    expect((await ask(`${address}/livez`)).status).toBe(200);
    expect((await ask(`${address}/readyz`)).status).toBe(503);
    expect(await ask(guestbook, { method: 'POST', body: 'too early' })).toMatchObject({
      status: 503,
      body: { code: 'STARTING', plugin: { id: 'guestbook', step: 'migrate', state: 'pending' } },
    });

    await lock.release();
    await askUntil(`${address}/readyz`, ({ status }) => status === 200);
    const words = 'x'.repeat(100_000);
    const written = await ask(guestbook, { method: 'POST', body: words });
    expect(written).toMatchObject({ status: 200, body: { id: 1, words } });
    expect((await ask(guestbook)).body).toEqual([{ id: 1, words }]);
    expect((await ask(`${address}/api/nobody`)).status).toBe(404);

    example.send('SIGTERM');
    expect(await example.ended).toBe(0);
    expect(await example.errors).toBe('');
  });

  it('says what is wrong, and ends by itself, when it cannot start', async () => {
    const database = await db.fresh();
    await database.query('CREATE SCHEMA plugin_guestbook CREATE TABLE entries (id int)');
    await using lock = await holdLock(database.url, migrationLockKey('plugin_guestbook'));
    const example = startExample('http/node.ts', { databaseUrl: database.url });
    await example.address();
    await lock.release();
    expect(await example.ended).toBe(1);
    expect(await example.errors).toMatch(/^MIGRATION_FAILED: guestbook could not be migrated/);
  });
});
