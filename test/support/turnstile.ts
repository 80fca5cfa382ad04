import { connect, type Socket } from 'node:net';
import { listenInFront } from '../../src/testing/listen-in-front.ts';
import { FrameReader, type Frame } from './wire-frames.ts';

/** Where a connection is stopped: before the server gets a request, or after its answer, before the client gets the answer. */
export interface StopPlace {
  /** The number of the request among those of all connections, from 1. To connect is also a request. */
  readonly request: number;
  readonly when: 'before' | 'after';
}

/** A connection whose data is held back in both directions. */
export interface StoppedConnection {
  /** The request at which it is stopped: SQL, or `connect`. */
  readonly request: string;
  /** The pid of its backend; `undefined` before there is one. */
  readonly pid: number | undefined;
  /** Sends the data that was held back, and lets new data through. */
  release(): void;
  /** Cuts the connection with a TCP reset on both sides. */
  reset(): void;
}

/** A TCP proxy in front of PostgreSQL that lets requests through one by one. */
export interface Turnstile {
  /** The connection string of the target, through the turnstile. */
  readonly url: string;
  /** The requests since the last `stopAt`: SQL, `connect`, or `sync` behind the statements of a batch. */
  readonly requests: readonly string[];
  /** The numbers of those that are statements of a batch: such a one can only be stopped before the server gets it. */
  readonly inBatch: ReadonlySet<number>;
  /** Counts requests from now on, and resolves when a connection is stopped at that place. One call at a time. */
  stopAt(place: StopPlace): Promise<StoppedConnection>;
  /** Holds back the data of all connections, also of new ones, until the turnstile is closed. */
  blackHole(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a turnstile on a free loopback port. */
export async function startTurnstile(target: string): Promise<Turnstile> {
  const { hostname, port } = new URL(target);
  const requests: string[] = [];
  const inBatch = new Set<number>();
  const lines = new Set<Line>();
  let wanted: (StopPlace & { readonly resolve: (stopped: StoppedConnection) => void }) | undefined;
  let isBlackhole = false;

  const onRequest = (line: Line, request: string, isInBatch: boolean): void => {
    requests.push(request);
    if (isInBatch) inBatch.add(requests.length);
    if (wanted?.request !== requests.length) return;
    const { when, resolve } = wanted;
    wanted = undefined;
    if (when === 'before') {
      line.hold();
      resolve(line.stopped(request));
    } else {
      line.holdWhenAnswered(() => resolve(line.stopped(request)));
    }
  };
  const server = await listenInFront(target, (client) => {
    const line = new Line(client, connect(Number(port), hostname), onRequest);
    lines.add(line);
    if (isBlackhole) line.silence();
  });

  const close = async (): Promise<void> => {
    const closed = server.close();
    for (const line of lines) line.reset();
    await closed;
  };
  return {
    url: server.url,
    requests,
    inBatch,
    stopAt(place) {
      requests.length = 0;
      inBatch.clear();
      return new Promise((resolve) => {
        wanted = { ...place, resolve };
      });
    },
    blackHole: () => {
      isBlackhole = true;
      for (const line of lines) line.silence();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One connection through the turnstile. */
class Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #held: (() => void)[] = [];
  #isHeld = false;
  #isSilent = false;
  #pid: number | undefined;
  #onAnswer: (() => void) | undefined;

  constructor(
    client: Socket,
    server: Socket,
    onRequest: (line: Line, request: string, isInBatch: boolean) => void,
  ) {
    this.#client = client;
    this.#server = server;
    const fromClient = FrameReader.ofClient((frame) => {
      if (frame.request !== undefined) onRequest(this, frame.request, frame.isInBatch === true);
      this.#pass(() => server.write(frame.bytes));
    });
    const fromServer = FrameReader.ofServer((frame) => {
      this.#pid ??= frame.pid;
      this.#holdAnswer(frame);
      this.#pass(() => client.write(frame.bytes));
    });
    client.on('data', (bytes: Buffer) => fromClient.push(bytes));
    server.on('data', (bytes: Buffer) => fromServer.push(bytes));
    // A process that was killed closes its connection, and the server does not get the requests that are held back.
    client.on('end', () =>
      this.#isHeld && !this.#isSilent ? server.destroy() : this.#pass(() => server.end()),
    );
    server.on('end', () => this.#pass(() => client.end()));
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
    }
    // A server that crashes with a request unread resets the connection: nothing ends it, and the client has to hear of it.
    server.on('error', () => this.#pass(() => client.resetAndDestroy()));
    client.on('close', () => this.#isSilent || server.destroy());
  }

  hold(): void {
    this.#isHeld = true;
  }

  /** Holds back all data from now on, and hides the end of each side from the other. */
  silence(): void {
    this.#isHeld = true;
    this.#isSilent = true;
  }

  /** Holds back the last message of the next answer, and then calls `tell`. */
  holdWhenAnswered(tell: () => void): void {
    this.#onAnswer = tell;
  }

  stopped(request: string): StoppedConnection {
    return { request, pid: this.#pid, release: () => this.#release(), reset: () => this.reset() };
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #holdAnswer({ endsAnswer }: Frame): void {
    if (!endsAnswer || !this.#onAnswer) return;
    const tell = this.#onAnswer;
    this.#onAnswer = undefined;
    this.hold();
    tell();
  }

  #pass(carry: () => void): void {
    if (this.#isHeld) this.#held.push(carry);
    else carry();
  }

  #release(): void {
    this.#isHeld = false;
    for (const carry of this.#held.splice(0)) carry();
  }
}
