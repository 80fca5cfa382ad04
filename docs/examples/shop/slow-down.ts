import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Plugin } from 'slipway';

/** For each message to the server. */
const delayMs = 60;
const pausesMs = [900, 1_600, 700, 2_100, 1_200];

/** Makes the init and the ready of each plugin take a second or two. */
export function slowDown(plugins: readonly Plugin[]): readonly Plugin[] {
  return plugins.map((plugin, index) => {
    const pauseMs = pausesMs[index % pausesMs.length];
    return {
      ...plugin,
      async init(context) {
        await pause(pauseMs);
        return plugin.init?.(context);
      },
      async ready(context) {
        await pause(300);
        return plugin.ready?.(context);
      },
    };
  });
}

/** A way to a database through a slow network. */
export interface SlowLink {
  /** A connection string. */
  readonly url: string;
  /** Call it when all connections have ended. */
  close(): Promise<void>;
}

/** Opens a port that passes everything on to the database, a little later. */
export async function openSlowLink(databaseUrl: string): Promise<SlowLink> {
  const { hostname, port } = new URL(databaseUrl);
  const server = createServer((client) => {
    const database = connect(Number(port || 5432), hostname);
    passLate(client, database);
    database.pipe(client);
    // The end of one side is the end of the other; an error is the business of who is connected.
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      socket.on('error', () => undefined).on('close', () => other.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Each chunk arrives later by the delay; timers of one length fire in their order. */
function passLate(from: Socket, to: Socket): void {
  from.on('data', (bytes) => void setTimeout(() => to.write(bytes), delayMs));
  from.on('end', () => void setTimeout(() => to.end(), delayMs));
}
