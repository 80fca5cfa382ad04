/** The part of pg's connection that its types leave out. */
export interface WireConnection {
  stream: { readonly writable: boolean; write(bytes: Buffer): boolean };
  /** The texts of the prepared statements on it, by name. */
  readonly parsedStatements: Record<string, string>;
  readonly submittedNamedStatements?: Record<string, string>;
  parse(statement: { readonly name?: string; readonly text: string }): void;
  bind(portal: { readonly statement?: string; readonly values?: readonly string[] }): void;
  execute(portal: object): void;
  flush(): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

/**
 * Collects what is written, and sends it in one piece: hundreds of small ones take longer than the statements in them.
 *
 * @param write Synchronous: while it runs, the connection has another stream. An object that inherits from the connection
 *   would do as well, but V8 then slows down all other use of it.
 */
export function writeAtOnce<Result>(connection: WireConnection, write: () => Result): Result {
  const pieces: Buffer[] = [];
  try {
    return collect(connection, pieces, write);
  } finally {
    const { stream } = connection;
    if (pieces.length > 0 && stream.writable) stream.write(Buffer.concat(pieces));
  }
}

/** Returns the bytes that `write` would send. They can be sent any number of times, on any connection. */
export function serialize(connection: WireConnection, write: () => void): Buffer {
  const pieces: Buffer[] = [];
  collect(connection, pieces, write);
  return Buffer.concat(pieces);
}

function collect<Result>(
  connection: WireConnection,
  pieces: Buffer[],
  write: () => Result,
): Result {
  const { stream } = connection;
  connection.stream = { writable: true, write: (bytes) => pieces.push(bytes) > 0 };
  try {
    return write();
  } finally {
    connection.stream = stream;
  }
}
