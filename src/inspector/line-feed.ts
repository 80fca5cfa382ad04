/** All lines of a recording so far, and those that are to come. Each reader keeps its own place in them. */
export class LineFeed {
  readonly #lines: string[];
  readonly #readers = new Set<() => void>();
  #isOver = false;

  constructor(lines: readonly string[] = []) {
    this.#lines = [...lines];
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Whether no more lines will come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Adds whole lines, each with its line break. The readers are called at once: a plugin that blocks the process comes next, and
   * then nothing else would say which one it is.
   */
  readonly add = (text: string): void => {
    for (const line of text.split('\n')) if (line !== '') this.#lines.push(line);
    this.#callReaders();
  };

  readonly end = (): void => {
    this.#isOver = true;
    this.#callReaders();
  };

  /**
   * Calls the reader for every change.
   *
   * @returns A function that removes it.
   */
  follow(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => void this.#readers.delete(reader);
  }

  #callReaders(): void {
    for (const reader of this.#readers) reader();
  }
}
