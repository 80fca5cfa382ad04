/** Codes that stand where a startup message has its protocol version; they ask, and a startup follows. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

const STARTUP_HEADER = 4;
const HEADER = 5;

/**
 * Reads what a client sends to PostgreSQL, however TCP cut it, and tells each statement that is run:
 * a Query message is one, an Execute is one (with the text of its Parse).
 * See https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class StatementReader {
  readonly #onStatement: (sql: string) => void;
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #rest: Buffer = Buffer.alloc(0);
  #isStarted = false;

  /** @param onStatement called with the text of every statement, in the order sent */
  constructor(onStatement: (sql: string) => void) {
    this.#onStatement = onStatement;
  }

  /** Takes the next bytes of the stream. */
  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#isStarted ? this.#takeMessage() : this.#takeStartup());
  }

  /** A startup message has no type: its length (with itself), a code, the rest. */
  #takeStartup(): boolean {
    if (this.#rest.length < STARTUP_HEADER) return false;
    const length = this.#rest.readInt32BE(0);
    if (this.#rest.length < length) return false;
    const code = this.#rest.readInt32BE(STARTUP_HEADER);
    this.#isStarted = code !== SSL_REQUEST && code !== GSS_REQUEST;
    this.#rest = this.#rest.subarray(length);
    return true;
  }

  /** Every other one has: a letter, the length of what follows the letter, the body. */
  #takeMessage(): boolean {
    if (this.#rest.length < HEADER) return false;
    const end = 1 + this.#rest.readInt32BE(1);
    if (this.#rest.length < end) return false;
    const type = String.fromCharCode(this.#rest.readUInt8(0));
    this.#read(type, this.#rest.subarray(HEADER, end));
    this.#rest = this.#rest.subarray(end);
    return true;
  }

  #read(type: string, body: Buffer): void {
    if (type === 'Q') {
      this.#onStatement(strings(body)[0]);
    } else if (type === 'P') {
      const [name, sql] = strings(body);
      this.#prepared.set(name, sql);
    } else if (type === 'B') {
      // Bound now: the unnamed statement may be parsed anew before the portal is executed.
      const [portal, name] = strings(body);
      this.#portals.set(portal, this.#prepared.get(name) ?? '');
    } else if (type === 'E') {
      this.#onStatement(this.#portals.get(strings(body)[0]) ?? '');
    }
  }
}

/** The first two zero-terminated strings of a message body. */
function strings(body: Buffer): readonly [string, string] {
  const first = Math.max(0, body.indexOf(0));
  const second = Math.max(first + 1, body.indexOf(0, first + 1));
  return [body.toString('utf8', 0, first), body.toString('utf8', first + 1, second)];
}
