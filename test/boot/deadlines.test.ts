import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createBoot, definePlugin } from '../../src/index.ts';
import { failureOf, useBoots } from '../support/boot-under-test.ts';
import { useDatabase } from '../support/database.ts';
import { migrationFolder } from '../support/migration-folder.ts';

const db = useDatabase();
const bootUnderTest = useBoots();

let silent: Server | undefined;
const taken = new Set<Socket>();

/** Takes connections and never says a word. */
async function silentServer(): Promise<string> {
  const server = createServer((socket) => {
    taken.add(socket.resume());
    socket.on('close', () => taken.delete(socket));
    socket.on('error', () => {});
  });
  silent = server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `postgres://u@127.0.0.1:${typeof address === 'object' ? address?.port : 0}/d`;
}

/** Resolves when the last connection is gone. */
async function allClosed(): Promise<void> {
  await Promise.all(
    [...taken].map((socket) => new Promise((resolve) => socket.on('close', resolve))),
  );
}

afterEach(async () => {
  for (const socket of taken) socket.destroy();
  await new Promise((resolve) => (silent ? silent.close(resolve) : resolve(undefined)));
  silent = undefined;
});

describe('past the deadline', () => {
  it('a boot leaves no connection to a server that never answered', async () => {
    const url = await silentServer();
    const migrations = await migrationFolder({ '0000_a': 'SELECT 1;' });
    const { boot } = bootUnderTest({
      pool: url,
      plugins: [{ id: 'a', migrations }],
      connect: { wait: 100 },
      stop: { total: 200 },
    });
    expect(await failureOf(boot.start())).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    await allClosed();
  });

  it('plan() gives up on a server that never answers', async () => {
    const url = await silentServer();
    const migrations = await migrationFolder({ '0000_a': 'SELECT 1;' });
    const boot = createBoot({
      pool: url,
      plugins: [{ id: 'a', migrations }],
      connect: { wait: 100 },
    });
    expect(await failureOf(boot.plan())).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    await allClosed();
  });

  it('a client that a plugin never gave back ends with the boot, so that the process can end', async () => {
    const { url } = await db.fresh();
    let ended: Promise<unknown> | undefined;
    const { boot } = bootUnderTest({
      pool: url,
      plugins: [
        definePlugin({
          id: 'greedy',
          async init({ database }) {
            const client = await database.connect();
            ended = new Promise<void>((resolve) => client.once('end', resolve));
          },
        }),
      ],
      stop: { total: 100 },
    });
    await boot.start();
    await boot.stop();
    await ended;
  });

  it('the time of the way down is reported once, beside the plugins that it cut off', async () => {
    const { url } = await db.fresh();
    const { boot, recording } = bootUnderTest({
      pool: url,
      plugins: [
        definePlugin({
          id: 'stuck',
          async init({ database, onStop }) {
            await database.connect();
            onStop(() => new Promise(() => {}));
          },
        }),
      ],
      stop: { total: 100 },
    });
    await boot.start();
    await boot.stop();
    const [stopped] = recording.of('boot.stopped');
    const messages = stopped?.errors.map(({ message }) => message) ?? [];
    expect(messages.filter((message) => message.includes('stop.total'))).toHaveLength(1);
  });

  it('stop() of a boot that never began does not wait for a drain that hangs', async () => {
    const { boot } = bootUnderTest({ pool: db.pool(), stop: { total: 50 } });
    boot.beforeStop(() => new Promise(() => {}));
    await boot.stop();
    expect(boot.state().phase).toBe('stopped');
  });
});
