import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const [host = '', port = '', delay = ''] = process.argv.slice(2);
const delayMs = Number(delay);

interface Parcel {
  readonly dueAt: number;
  /** Hands it over. */
  arrive(): void;
}

/** All that is under way, the earliest first: every parcel travels equally long. */
const underWay: Parcel[] = [];
const nap = new Int32Array(new SharedArrayBuffer(4));
const napMs = 0.05;

function send(arrive: () => void): void {
  underWay.push({ dueAt: performance.now() + delayMs, arrive });
  if (underWay.length === 1) setImmediate(deliver);
}

/**
 * Node's timers count whole milliseconds, and one of half a millisecond takes more than one. So the loop turns as long as
 * something is under way, with a nap in every turn that leaves the processor to those who are measured.
 */
function deliver(): void {
  for (let next = underWay[0]; next && next.dueAt <= performance.now(); next = underWay[0]) {
    underWay.shift();
    next.arrive();
  }
  if (underWay.length === 0) return;
  Atomics.wait(nap, 0, 0, napMs);
  setImmediate(deliver);
}

function carry(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on('data', (bytes: Buffer) => send(() => to.writable && to.write(bytes)));
  from.on('end', () => send(() => to.end()));
  from.on('error', () => to.destroy());
}

const listener = createServer({ allowHalfOpen: true }, (client) => {
  const server = connect({ host, port: Number(port), allowHalfOpen: true });
  carry(client, server);
  carry(server, client);
}).listen(0, '127.0.0.1');
await once(listener, 'listening');

// Whoever laid the line takes it away by hanging up, or by dying.
process.on('disconnect', () => process.exit());
process.send?.((listener.address() as AddressInfo).port);
