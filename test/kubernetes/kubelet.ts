import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Container, PodSpec, Probe } from 'kubernetes-types/core/v1.js';
import { onTestFinished } from 'vitest';
import type { Image } from './image.ts';

/** What containers find around them. */
export interface Cluster {
  /** Each image by its version, which is its tag. */
  readonly images: Readonly<Record<string, Image>>;
  /** Each value of a Secret by its name and key: `guestbook-app/DATABASE_URL`. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** A line of a log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A container that runs, or has run. */
export interface RunningContainer {
  /** Its exit code as Kubernetes shows it: 128 plus the signal for a process that a signal has ended. */
  readonly ended: Promise<number>;
  /** All that it wrote to standard error, once it has ended. */
  readonly errors: Promise<string>;
  /** Every line of its log so far. Anything but JSON in it is an error. */
  readonly log: readonly LogLine[];
  /** Waits for a line of the log, or takes one that is there; rejects when the container ends without it. */
  prints(isMeant: (line: LogLine) => boolean): Promise<LogLine>;
  /** Asks as the probe says. Kubernetes takes 200 to 399 as a success; 0 is a refused connection. */
  probe(probe: Probe | undefined): Promise<number>;
  /** Sends a request to its port. */
  request(path: string, init?: RequestInit): Promise<Response>;
  send(signal: NodeJS.Signals): void;
}

/**
 * Runs a container of a pod as a kubelet does: its args on the entrypoint of its image, its environment and none but that, as
 * its user, in an image that it only reads. Two variables are different: it listens on a free port of 127.0.0.1.
 */
export function startContainer(
  cluster: Cluster,
  pod: PodSpec,
  container: Container,
): RunningContainer {
  const image = findImage(cluster, container);
  const { command = image.entrypoint, args = container.command ? [] : image.command } = container;
  const child = startProcess(cluster, pod, container, [...command, ...args]);
  const errors = text(child.stderr);
  const ended = once(child, 'close').then(([code, signal]) =>
    signal === null ? (code as number) : 128 + constants.signals[signal as NodeJS.Signals],
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });

  const log: LogLine[] = [];
  const lines = new EventEmitter<{ line: [LogLine] }>();
  createInterface(child.stdout).on('line', (line) => {
    const parsed = JSON.parse(line) as LogLine;
    log.push(parsed);
    lines.emit('line', parsed);
  });
  const prints = (isMeant: (line: LogLine) => boolean): Promise<LogLine> => {
    const found = log.find(isMeant);
    if (found) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        if (isMeant(line)) resolve(line);
      });
      const fail = async (): Promise<void> => {
        reject(new Error(`${container.name} ended with ${await ended}: ${await errors}`));
      };
      void fail();
    });
  };
  const request = async (path: string, init?: RequestInit): Promise<Response> => {
    const { address } = await prints(({ msg }) => msg === 'listening');
    return fetch(`http://127.0.0.1:${(address as { readonly port: number }).port}${path}`, init);
  };
  return {
    ended,
    errors,
    log,
    prints,
    request,
    probe: (probe) =>
      request(probe?.httpGet?.path ?? '').then(
        ({ status }) => status,
        () => 0,
      ),
    send: (signal) => void child.kill(signal),
  };
}

/**
 * Runs another program in a container, as `kubectl exec` does.
 *
 * @returns Its exit code, and all that it wrote to standard output.
 */
export async function execInContainer(
  cluster: Cluster,
  pod: PodSpec,
  container: Container,
  words: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  const child = startProcess(cluster, pod, container, words);
  child.stderr.resume();
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code: code as number, output };
}

function findImage({ images }: Cluster, { image: name }: Container): Image {
  const image = images[name?.split(':').at(-1) ?? ''];
  if (!image) throw new Error(`There is no image ${name}`);
  return image;
}

function startProcess(
  cluster: Cluster,
  { securityContext }: PodSpec,
  container: Container,
  [program = '', ...words]: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const image = findImage(cluster, container);
  const env = Object.fromEntries(
    (container.env ?? []).map(({ name, value, valueFrom }) => {
      const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
      return [name, valueFrom ? cluster.secrets[`${secret}/${key}`] : value];
    }),
  );
  const isRoot = process.getuid?.() === 0;
  return spawn(program === 'node' ? process.execPath : program, words, {
    cwd: join(image.root, container.workingDir ?? image.workdir),
    env: { PATH: '/usr/bin:/bin', ...image.env, ...env, PORT: '0', HOST: '127.0.0.1' },
    ...(isRoot && { uid: securityContext?.runAsUser, gid: securityContext?.runAsGroup }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
