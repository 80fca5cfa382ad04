import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { closeServer } from '../../src/http/index.ts';
import { deferred } from '../support/deferred.ts';

/** A server that keeps idle connections for an hour, so that only closeServer() can end them in time. */
async function patientServer(
  answer: () => Promise<string> = () => Promise.resolve('fine'),
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ keepAliveTimeout: 3_600_000 }, (_, response) => {
    void answer().then((body) => response.end(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.closeAllConnections());
  return { server, port: (server.address() as AddressInfo).port };
}

/** A client with one connection, which it keeps. */
function keepingClient(port: number): (path?: string) => Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return async (path = '/') => {
    const [response] = (await once(get({ port, path, agent, host: '127.0.0.1' }), 'response')) as [
      IncomingMessage,
    ];
    return text(response);
  };
}

describe('closeServer', () => {
  it('ends connections that clients keep alive', async () => {
    const { server, port } = await patientServer();
    expect(await keepingClient(port)()).toBe('fine');
    await closeServer(server);
    expect(server.listening).toBe(false);
  });

  it('answers the requests under way, then ends their connections', async () => {
    const asked = deferred();
    const answer = deferred<string>();
    const { server, port } = await patientServer(() => {
      asked.resolve();
      return answer.promise;
    });
    const body = keepingClient(port)();
    await asked.promise;
    const closed = closeServer(server);
    answer.resolve('answered in peace');
    expect(await body).toBe('answered in peace');
    await closed;
  });

  it('ends a connection that is never idle with the answer to its next request', async () => {
    const answers = [deferred<string>(), deferred<string>()] as const;
    const asked = [deferred(), deferred()] as const;
    let count = 0;
    const { server, port } = await patientServer(() => {
      const index = count === 0 ? 0 : 1;
      count += 1;
      asked[index].resolve();
      return answers[index].promise;
    });
    const socket = connect(port, '127.0.0.1');
    const received = text(socket);
    socket.write('GET /1 HTTP/1.1\r\nhost: a\r\n\r\n');
    await asked[0].promise;
    const closed = closeServer(server);
    socket.write('GET /2 HTTP/1.1\r\nhost: a\r\n\r\n');
    await asked[1].promise;
    for (const [index, answer] of answers.entries()) answer.resolve(`answer ${index + 1}`);
    await closed;
    const [, first, second] = (await received).split('HTTP/1.1 200 OK');
    expect(first).toMatch(/connection: keep-alive[^]*answer 1/i);
    expect(second).toMatch(/connection: close[^]*answer 2/i);
  });

  it('cuts what is left when its signal is aborted', async () => {
    const asked = deferred();
    const { server, port } = await patientServer(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    const failed = keepingClient(port)().catch((error: unknown) => error);
    await asked.promise;
    const cut = new AbortController();
    const closed = closeServer(server, cut.signal);
    cut.abort();
    await closed;
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
  });

  it('is done at once for a server that does not listen, and may be called twice', async () => {
    const { server } = await patientServer();
    await Promise.all([closeServer(server), closeServer(server)]);
    await closeServer(server, AbortSignal.abort());
    await closeServer(createServer());
  });
});
