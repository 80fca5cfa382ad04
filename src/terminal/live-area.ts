import { wrapLine } from './display-width.ts';

/** The part of a stream that the live output uses, such as `process.stdout`. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Left out when the stream is not a terminal: then nothing is wrapped or cut. */
  readonly columns?: number;
  readonly rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

const frameMs = 100;
const mostRows = 12;
const eraseRest = '\u001B[K';
const eraseRestBelow = '\u001B[J';
const eraseBelow = `\r${eraseRestBelow}`;
const cursorUp = (lines: number): string => `\u001B[${lines}A`;

/** Returns how many columns a line may take. The last one stays empty: after it, the cursor may be on the next line. */
export function usableWidth({ columns }: OutputStream): number {
  return columns === undefined || columns <= 0
    ? Number.POSITIVE_INFINITY
    : Math.max(10, columns - 1);
}

/** Breaks the lines of a text so that a terminal wraps none of them. */
function fitLines(text: string, width: number, beforeLineEnd = ''): string {
  const lines = text.split('\n').flatMap((line) => {
    const indent = line.length - line.trimStart().length;
    return Number.isFinite(width) ? wrapLine(line, width, indent + 2) : [line];
  });
  return lines.join(`${beforeLineEnd}\n`);
}

/** The lines to draw: at least one and at most `height` of them, none wider than `width`. */
type Draw = (width: number, height: number) => readonly string[];

/**
 * Draws some lines at the bottom of a terminal again and again, below everything that is printed. The cursor rests on the
 * empty line above them. What other code writes to the terminal appears there and is never erased, also when the terminal
 * changes its width. The cursor is never hidden, and the timer does not keep the process alive.
 */
export class LiveArea {
  readonly #stream: OutputStream;
  readonly #rows: Draw;
  #timer: NodeJS.Timeout | undefined;
  #stopWatching: (() => void) | undefined;
  /** The lines that were drawn last; empty when nothing is on the screen. */
  #frame = '';
  /** Something was printed over the frame, or the terminal has another size. */
  #isStale = false;
  /** Other code has written part of a line: nothing may be drawn after it. */
  #isMidLine = false;
  #isWriting = false;

  constructor(stream: OutputStream, rows: Draw) {
    this.#stream = stream;
    this.#rows = rows;
  }

  /** Draws until it is closed. The first frame comes after a pause, because a fast boot needs none. */
  open(): void {
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#draw(), frameMs).unref();
    this.#stream.on?.('resize', this.#onResize);
    process.once('exit', this.#hide);
    this.#stopWatching = watchWrites(this.#stream, (chunk) => {
      if (this.#isWriting) return;
      this.#hide();
      this.#isMidLine = !endsLine(chunk);
    });
  }

  /** Prints lines over the area; the next frame draws the area again below them. */
  print(text: string): void {
    const isDrawn = this.#frame !== '';
    const start = isDrawn ? '\r' : this.#isMidLine ? '\n' : '';
    this.#isMidLine = false;
    this.#isStale = true;
    this.#write(start + fitLines(text, usableWidth(this.#stream), isDrawn ? eraseRest : ''));
  }

  /** Erases the area until it is opened again. */
  close(): void {
    if (!this.#timer) return;
    this.#hide();
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stream.off?.('resize', this.#onResize);
    process.off('exit', this.#hide);
    this.#stopWatching?.();
  }

  readonly #onResize = (): void => {
    this.#isStale = true;
    this.#draw();
  };

  readonly #hide = (): void => {
    if (this.#frame === '') return;
    this.#frame = '';
    this.#write(eraseBelow);
  };

  #draw(): void {
    if (this.#isMidLine) return;
    const height = Math.max(1, Math.min(mostRows, (this.#stream.rows ?? mostRows) - 3));
    const rows = this.#rows(usableWidth(this.#stream), height);
    const frame = ['', ...rows].map((row) => row + eraseRest).join('\n');
    if (frame === this.#frame && !this.#isStale) return;
    this.#frame = frame;
    this.#isStale = false;
    this.#write(`\r${frame}${eraseRestBelow}${cursorUp(rows.length)}\r`);
  }

  #write(text: string): void {
    this.#isWriting = true;
    try {
      this.#stream.write(text);
    } finally {
      this.#isWriting = false;
    }
  }
}

/**
 * Calls `onWrite` before other code writes to the stream. For one of the process's own two streams it watches both, because
 * one terminal shows both.
 *
 * @returns A function that ends it.
 */
function watchWrites(stream: OutputStream, onWrite: (chunk: unknown) => void): () => void {
  const own: readonly OutputStream[] = [process.stdout, process.stderr];
  const watched = own.includes(stream) ? own.filter(({ isTTY }) => isTTY) : [stream];
  const ends = watched.map((each) => {
    const original = Reflect.get(each, 'write') as (...written: unknown[]) => unknown;
    const watching = (...written: unknown[]): unknown => {
      onWrite(written[0]);
      return Reflect.apply(original, each, written);
    };
    Reflect.set(each, 'write', watching);
    // Another library may have replaced `write` since; its version stays.
    return () => {
      if (Reflect.get(each, 'write') === watching) Reflect.set(each, 'write', original);
    };
  });
  return () => ends.forEach((end) => end());
}

function endsLine(chunk: unknown): boolean {
  const text = chunk instanceof Uint8Array ? Buffer.from(chunk).toString('latin1') : String(chunk);
  return text === '' || text.endsWith('\n');
}
