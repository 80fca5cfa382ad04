/** One message of PostgreSQL's protocol, or several that belong together. */
export interface Frame {
  readonly bytes: Buffer;
  /** The request of a client, when it is complete: SQL, `connect`, or `sync` behind the statements of a batch. */
  readonly request?: string;
  /** Whether it is a statement of a batch, behind which the next one comes without waiting for its answer. */
  readonly isInBatch?: boolean;
  /** Whether the server has answered a request with it, and waits for the next request. */
  readonly endsAnswer?: boolean;
  /** The backend that the server announces. */
  readonly pid?: number;
}

type Read = (type: string, message: Buffer) => Omit<Frame, 'bytes'> | undefined;

const headerLength = 5;
const cancelCode = 80_877_102;

/**
 * Cuts a stream of bytes into the frames of the protocol.
 * See https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  readonly #read: Read;
  /** Whether the next message is the first one of a client. That message has no type. */
  #isFirst: boolean;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(isClient: boolean, read: Read, onFrame: (frame: Frame) => void) {
    this.#isFirst = isClient;
    this.#read = read;
    this.#onFrame = onFrame;
  }

  /** Reads the messages of a client. Those of the extended protocol are one frame, up to their Flush or Sync. */
  static ofClient(onFrame: (frame: Frame) => void): FrameReader {
    let parts: Buffer[] = [];
    let sql = '';
    const prepared = new Map<string, string>();
    const read: Read = (type, message) => {
      parts.push(message);
      if (type === 'startup') {
        const isCancel = message.readInt32BE(4) === cancelCode;
        return isCancel ? {} : { request: 'connect' };
      }
      if (type === 'Q') return { request: textAt(message, headerLength) };
      if (type === 'P') {
        prepared.set(textAt(message, headerLength), textAt(message, endOfText(message)));
      }
      if (type === 'B') sql = prepared.get(textAt(message, endOfText(message))) ?? '';
      if (type === 'H') return { request: sql, isInBatch: true };
      if (type === 'S') return { request: parts.length === 1 ? 'sync' : sql };
      return 'PBDEC'.includes(type) ? undefined : {};
    };
    return new FrameReader(true, read, (frame) => {
      const bytes = Buffer.concat(parts);
      parts = [];
      onFrame({ ...frame, bytes });
    });
  }

  static ofServer(onFrame: (frame: Frame) => void): FrameReader {
    const read: Read = (type, message) => {
      if (type === 'K') return { pid: message.readInt32BE(headerLength) };
      return type === 'Z' ? { endsAnswer: true } : {};
    };
    return new FrameReader(false, read, onFrame);
  }

  push(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let length = this.#lengthOfNext(); length !== undefined; length = this.#lengthOfNext()) {
      const message = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      const type = this.#isFirst ? 'startup' : String.fromCharCode(message.readUInt8(0));
      this.#isFirst = false;
      const read = this.#read(type, message);
      if (read) this.#onFrame({ ...read, bytes: message });
    }
  }

  /** Returns `undefined` while the next message is incomplete. */
  #lengthOfNext(): number | undefined {
    const typeLength = this.#isFirst ? 0 : 1;
    if (this.#rest.length < typeLength + 4) return undefined;
    const length = typeLength + this.#rest.readInt32BE(typeLength);
    return this.#rest.length < length ? undefined : length;
  }
}

/** Where the text behind the first one of a message begins. */
function endOfText(message: Buffer): number {
  return message.indexOf(0, headerLength) + 1;
}

function textAt(message: Buffer, start: number): string {
  return message.toString('utf8', start, message.indexOf(0, start));
}
