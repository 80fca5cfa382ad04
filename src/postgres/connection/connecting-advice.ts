import type { BootEvents } from '../../core/events.ts';
import { readErrorCode, readSqlState } from './connection-error.ts';

/** A certificate that Node.js cannot trace back to an authority that it knows. */
const untrustedCodes: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What is waited for while there is no connection, and why, in one clause. */
type ConnectionWait = Pick<BootEvents['boot.waiting'], 'kind' | 'reason'>;

/** The wait for a client of a pool that has given out every one. */
export const waitForClient: ConnectionWait = {
  kind: 'connection',
  reason: 'every client of the pool is checked out',
};

/** Says why there is no connection at the moment. */
export function readConnectionWait(error: Error): ConnectionWait {
  // pg-pool says so of its queue, and of a server that is silent something else.
  if (error.message === 'timeout exceeded when trying to connect') return waitForClient;
  return { kind: 'database', reason: reasonForWaiting(error) };
}

function reasonForWaiting(error: Error): string {
  switch (readSqlState(error)) {
    case '53300':
      return 'PostgreSQL is full: every connection that it allows is taken';
    case '57P03':
      return `PostgreSQL is not ready: ${error.message}`;
    case undefined:
      return 'PostgreSQL does not answer';
    default:
      return 'the connection to PostgreSQL broke';
  }
}

/** What to do about a connection that could not be made; `undefined` when the cause says no more than that. */
export function adviceOnConnecting(error: Error): string | undefined {
  return adviceOnAnswer(error) ?? adviceOnSocket(error);
}

/** PostgreSQL itself has answered. */
function adviceOnAnswer(error: Error): string | undefined {
  switch (readSqlState(error)) {
    case '28P01':
      return 'PostgreSQL refused the password: correct the user or the password of the connection.';
    case '28000':
      return error.message.includes('no encryption')
        ? 'PostgreSQL accepts this connection only over TLS: set ssl in the config, or add ?sslmode=verify-full to the connection string. Without TLS, pg_hba.conf must allow it.'
        : 'PostgreSQL refused the role: create it, or allow it in pg_hba.conf (which may require TLS).';
    case '3D000':
      return 'Create the database, or correct its name in the connection.';
    case '42501':
      return 'Grant the role CONNECT on the database.';
    case '53300':
      return 'The server runs and is full. Give the pools of its clients fewer connections, or raise max_connections or the limit of the role or database.';
    default:
      return undefined;
  }
}

/** The way to PostgreSQL: the name, the certificate, the password of our side. */
function adviceOnSocket(error: Error): string | undefined {
  const code = readErrorCode(error) ?? '';
  if (untrustedCodes.has(code)) {
    return 'The server has a certificate of an authority that Node.js does not know: set that authority as ssl.ca (sslrootcert in a connection string), or set NODE_EXTRA_CA_CERTS.';
  }
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'The certificate of the server has expired: renew it there.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'The certificate of the server is for another host name: connect by a name that is in it.';
    case 'ENOTFOUND':
      return 'No name server knows the host: correct its name in the connection.';
    default:
  }
  if (error.message === 'The server does not support SSL connections') {
    return 'The connection asks for TLS, and the server has none: enable it there, or remove ssl from the config (sslmode from the connection string).';
  }
  return error.message.startsWith('SASL')
    ? 'PostgreSQL asks for a password, and the connection has none: add it, or set PGPASSWORD.'
    : undefined;
}
