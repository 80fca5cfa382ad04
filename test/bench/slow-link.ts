import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runTypeScript } from '../support/run-typescript.ts';

/** A line to the server that is longer than loopback. */
export interface SlowLink {
  /** The target's connection string, by way of the line. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Lays a line that adds `roundTripMs` to every round trip, half of it each way. Its other end is a process of its own, so
 * that carrying bytes takes no time from the event loop that is measured.
 */
export async function laySlowLink(target: string, roundTripMs: number): Promise<SlowLink> {
  const { hostname, port } = new URL(target);
  const program = fileURLToPath(new URL('slow-link-process.ts', import.meta.url));
  const child = fork(program, [hostname, port || '5432', String(roundTripMs / 2)], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    execArgv: [...runTypeScript],
  });
  const exited = once(child, 'exit');
  const [first] = (await Promise.race([once(child, 'message'), exited])) as unknown[];
  if (child.exitCode !== null) throw new Error('The slow link ended before it was laid');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(first);
  return {
    url: url.href,
    async close() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
