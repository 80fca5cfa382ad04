import type { WriteStream } from 'node:tty';

/** The narrowest and the widest page that is laid out. */
const [narrowest, widest] = [60, 200];
const widthOfPipe = 100;

/** The streams of the program: what was asked for goes to standard output, and all else to standard error. */
export class Output {
  readonly #writeOut: typeof process.stdout.write;
  readonly #columns: number | undefined;
  /** Whether standard output may have colours. */
  readonly hasColors: boolean;

  constructor() {
    const { stdout } = process;
    this.#writeOut = stdout.write.bind(stdout);
    this.#columns = stdout.isTTY ? stdout.columns : undefined;
    this.hasColors = isForPeople(stdout) && !process.env['NO_COLOR'];
    // `slipway … | head` reads no more than it shows.
    for (const stream of [stdout, process.stderr]) stream.on('error', endQuietly);
    // A config or a plugin that prints would break a document, or what is written into a file.
    stdout.write = process.stderr.write.bind(process.stderr);
  }

  /** Gives standard output back to the backend, which may have a log there. */
  release(): void {
    process.stdout.write = this.#writeOut;
  }

  /** The columns that a line may take. */
  get width(): number {
    // After the last column the cursor may be on the next line.
    const columns = this.#columns === undefined ? widthOfPipe : this.#columns - 1;
    return Math.min(widest, Math.max(narrowest, columns));
  }

  /** Prints a text of one or more lines. */
  print(text: string): void {
    this.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Writes a text to standard output as it is. */
  write(text: string): void {
    this.#writeOut(text);
  }

  /** Prints a document. */
  printJson(document: object): void {
    this.print(JSON.stringify(document, undefined, 2));
  }

  /** Prints a line for people. */
  note(text: string): void {
    process.stderr.write(`${text}\n`);
  }
}

/** Whether a stream is a terminal that can draw. */
export function isForPeople({ isTTY }: Partial<Pick<WriteStream, 'isTTY'>>): boolean {
  // A pipe has no isTTY.
  return isTTY === true && process.env['TERM'] !== 'dumb';
}

function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
