import { expect, test } from 'vitest';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { migrationLockKey, tryLock, unlockSql } from '../../src/postgres/locks/advisory-lock.ts';
import { withPinnedClient } from '../../src/postgres/connection/pinned-client.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
const { signal } = new AbortController();

test('the key is the first 8 bytes of the SHA-256 of slipway:migrate:<schema>, signed', async () => {
  const schemas = Array.from({ length: 20 }, (_, index) => `plugin_${index}`);
  const { rows } = await db.query(
    `select ('x' || left(encode(sha256(('slipway:migrate:' || s)::bytea), 'hex'), 16))::bit(64)::bigint as key from unnest($1::text[]) s`,
    [schemas],
  );
  expect(schemas.map((schema) => ({ key: String(migrationLockKey(schema)) }))).toEqual(rows);
  expect(schemas.some((schema) => migrationLockKey(schema) < 0n)).toBe(true);
});

test('a lock that is held is refused with its holder, and free again after it was given back', async () => {
  const holder = db.pool({ max: 1, application_name: 'the holder' });
  const other = db.pool({ max: 1 });
  // Keys with every combination of signs of their halves.
  for (const schema of Array.from({ length: 12 }, (_, index) => `plugin_${index}`)) {
    await withPinnedClient(holder, { clock: systemClock, signal }, (held) =>
      withPinnedClient(other, { clock: systemClock, signal }, async (refused) => {
        expect(await tryLock(held, schema)).toEqual({
          acquired: true,
          backendPid: held.processID,
        });
        expect(await tryLock(refused, schema)).toMatchObject({
          acquired: false,
          holder: { pid: held.processID, applicationName: 'the holder' },
        });
        await held.finish(unlockSql(schema));
        expect(await tryLock(refused, schema)).toMatchObject({ acquired: true });
        await refused.finish(unlockSql(schema));
      }),
    );
  }
});

test('a holder that we may not look at stays unknown but for its pid', async () => {
  const fresh = await db.fresh();
  const role = fresh.name;
  await fresh.query(`create role ${role} login`);
  try {
    const url = new URL(fresh.url);
    url.username = role;
    const holder = fresh.pool({ max: 1 });
    const other = fresh.pool({ connectionString: url.href });
    await withPinnedClient(holder, { clock: systemClock, signal }, (held) =>
      withPinnedClient(other, { clock: systemClock, signal }, async (refused) => {
        await tryLock(held, 'a');
        expect(await tryLock(refused, 'a')).toEqual({
          acquired: false,
          holder: { pid: held.processID },
        });
        await held.finish(unlockSql('a'));
      }),
    );
    await other.end();
  } finally {
    await fresh.query(`drop role ${role}`);
  }
});
