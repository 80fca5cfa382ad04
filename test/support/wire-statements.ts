/** The codes of requests for encryption, in the place of the protocol version. The startup message follows. */
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;

const STARTUP_HEADER = 4;
const HEADER = 5;

/**
 * Reads the messages of a client to PostgreSQL, however TCP has cut them, and reports each statement that runs.
 * A Query message is one statement. So is an Execute message, with the text of its Parse message.
 * See https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class StatementReader {
  readonly #onStatement: (sql: string) => void;
  readonly #onParse: (name: string) => void;
  readonly #prepared = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #rest: Buffer = Buffer.alloc(0);
  #isStarted = false;

  /**
   * @param onStatement Called with the text of every statement, in the order sent.
   * @param onParse Called with the name of every statement that is prepared, which is empty for an unnamed one.
   */
  constructor(
    onStatement: (sql: string) => void,
    onParse: (name: string) => void = () => undefined,
  ) {
    this.#onStatement = onStatement;
    this.#onParse = onParse;
  }

  /** Takes the next bytes of the stream. */
  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#isStarted ? this.#takeMessage() : this.#takeStartup());
  }

  /** A startup message has no type. It has a length (which counts itself), a code and the rest. */
  #takeStartup(): boolean {
    if (this.#rest.length < STARTUP_HEADER) return false;
    const length = this.#rest.readInt32BE(0);
    if (this.#rest.length < length) return false;
    const code = this.#rest.readInt32BE(STARTUP_HEADER);
    this.#isStarted = code !== SSL_REQUEST && code !== GSS_REQUEST;
    this.#rest = this.#rest.subarray(length);
    return true;
  }

  /** Every other message has a letter, the length of all that follows the letter, and the body. */
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
      this.#onParse(name);
    } else if (type === 'B') {
      // The text is bound now, because the unnamed statement may be parsed again before the portal is executed.
      const [portal, name] = strings(body);
      this.#portals.set(portal, this.#prepared.get(name) ?? '');
    } else if (type === 'E') {
      this.#onStatement(this.#portals.get(strings(body)[0]) ?? '');
    }
  }
}

/** Returns the first two zero-terminated strings of a message body. */
function strings(body: Buffer): readonly [string, string] {
  const first = Math.max(0, body.indexOf(0));
  const second = Math.max(first + 1, body.indexOf(0, first + 1));
  return [body.toString('utf8', 0, first), body.toString('utf8', first + 1, second)];
}
