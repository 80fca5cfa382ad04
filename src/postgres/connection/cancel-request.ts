import { Connection } from 'pg';
import type { ConnectionConfig } from 'pg';

/** The facts that a `pg` client has about its server; all of it may be missing on other clients. */
interface CancelTarget {
  readonly host?: string;
  readonly port?: number;
  readonly processID?: number | null;
  readonly secretKey?: number | Buffer | null;
  readonly ssl?: boolean | object;
  readonly sslNegotiation?: string;
}

/** The part of pg's Connection that its types leave out. */
interface CancelConnection {
  readonly stream: { destroy(): void };
  connect(port: number, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number | Buffer): void;
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): void;
}

const limitMs = 3_000;

/**
 * Asks the server to cancel what `client` is running, on a socket of its own, as the protocol wants it: the client's own
 * connection is busy. Resolves when the server has closed that socket: by then it has sent the signal, so it cannot hit a
 * statement that is sent afterwards. Never rejects: a cancel that does not arrive changes nothing.
 *
 * @param cut Aborted: the request is given up.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export function sendCancelRequest(client: object, cut?: AbortSignal): Promise<void> {
  const { host, port, processID, secretKey, ssl, sslNegotiation }: CancelTarget = client;
  if (processID == null || secretKey == null || port === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const connection = new Connection({
      ssl,
      sslNegotiation,
    } as ConnectionConfig) as unknown as CancelConnection;
    const giveUp = (): void => connection.stream.destroy();
    const timer = setTimeout(giveUp, limitMs);
    cut?.addEventListener('abort', giveUp, { once: true });
    const cancel = (): void => connection.cancel(processID, secretKey);
    connection.on('connect', () => {
      if (!ssl) cancel();
      else if (sslNegotiation !== 'direct') connection.requestSsl();
    });
    connection.on('sslconnect', cancel);
    connection.on('error', giveUp);
    connection.on('end', () => {
      clearTimeout(timer);
      cut?.removeEventListener('abort', giveUp);
      resolve();
    });
    if (host?.startsWith('/')) {
      // As pg itself does it: the port of a socket file is its path.
      (connection.connect as unknown as (path: string) => void).call(
        connection,
        `${host}/.s.PGSQL.${port}`,
      );
    } else {
      connection.connect(port, host);
    }
  });
}
