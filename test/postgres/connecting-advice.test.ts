import { expect, test } from 'vitest';
import { withPatience } from '../../src/postgres/connection/connect-with-patience.ts';
import { systemClock } from '../../src/boot/options/system-clock.ts';
import { openPool } from '../../src/postgres/connection/connection.ts';
import {
  adviceOnConnecting,
  readConnectionWait,
} from '../../src/postgres/connection/connecting-advice.ts';
import { useDatabase } from '../support/database.ts';
import { errorOf } from './migration-fixture.ts';

const db = useDatabase();
const { signal } = new AbortController();
const patience = { waitMs: 0, signal, clock: systemClock };

test('TLS that the server has not is named, and what to change', async () => {
  const { pool, end } = openPool({ connectionString: db.url, ssl: { rejectUnauthorized: false } });
  expect(await errorOf(withPatience(pool, patience).checkOut())).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    hint: 'The connection asks for TLS, and the server has none: enable it there, or remove ssl from the config (sslmode from the connection string).',
  });
  await end();
});

test.each([
  [
    '28000',
    'no pg_hba.conf entry for host "10.0.0.7", user "u", database "d", no encryption',
    /^PostgreSQL accepts this connection only over TLS/,
  ],
  ['28000', 'role "u" does not exist', /^PostgreSQL refused the role/],
  ['53300', 'sorry, too many clients already', /^The server runs and is full/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', /ssl\.ca .* NODE_EXTRA_CA_CERTS/],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain', /ssl\.ca/],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    "Hostname/IP does not match certificate's altnames",
    /another host name/,
  ],
  ['CERT_HAS_EXPIRED', 'certificate has expired', /expired/],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND base', /No name server knows the host/],
])('%s (%s) has an advice of its own', (code, message, advice) => {
  expect(adviceOnConnecting(Object.assign(new Error(message), { code }))).toMatch(advice);
});

test.each([
  ['53300', 'sorry, too many clients already', /is full/],
  [
    '57P03',
    'the database system is starting up',
    /is not ready: the database system is starting up$/,
  ],
  ['57P01', 'terminating connection due to administrator command', /broke/],
  ['ECONNREFUSED', 'connect ECONNREFUSED', /does not answer/],
])('waiting because of %s (%s) says so', (code, message, reason) => {
  expect(readConnectionWait(Object.assign(new Error(message), { code }))).toEqual({
    kind: 'database',
    reason: expect.stringMatching(reason) as string,
  });
});
