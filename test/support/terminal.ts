import type { OutputStream } from '../../src/index.ts';

/** A terminal of a given size. It shows the text that is written to it, as a person would see it on the screen. */
export interface Terminal extends OutputStream {
  columns: number;
  rows: number;
  /** All lines that were ever shown, also those that have left the screen. */
  readonly lines: readonly string[];
  /** How many times the terminal had to break a line by itself. */
  readonly wraps: number;
  /** Resolves when the text of the terminal matches. */
  shows(pattern: RegExp): Promise<void>;
  /** The text of the terminal after each write. */
  readonly pictures: readonly string[];
  resize(columns: number): void;
  /** The number of listeners for a change of the size. */
  readonly resizeListeners: number;
  readonly written: string;
}

const escape = '\u001B';
const sequence = new RegExp(`^${escape}\\[([0-9;?]*)([A-Za-z])`);
const wide =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\u3000-\u303F\uFF01-\uFF60]/u;

export function createTerminal({ columns = 80, rows = 24, isTTY = true } = {}): Terminal {
  const lines: string[][] = [[]];
  const pictures: string[] = [];
  const waiting = new Set<() => void>();
  const resizeListeners = new Set<() => void>();
  let [row, column, wraps, written] = [0, 0, 0, ''];

  const put = (character: string): void => {
    const width = /^\p{M}|\p{Cf}$/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
    if (width === 0) return;
    if (column + width > terminal.columns) {
      wraps += 1;
      newLine();
      column = 0;
    }
    const line = (lines[row] ??= []);
    while (line.length < column) line.push(' ');
    line[column] = character;
    if (width === 2) line[column + 1] = '';
    column += width;
  };
  const newLine = (): void => {
    row += 1;
    column = 0;
    lines[row] ??= [];
  };
  const steer = (count: string, command: string): void => {
    if (command === 'A') {
      const top = Math.max(0, lines.length - terminal.rows);
      row = Math.max(top, row - Number(count || 1));
    } else if (command === 'K') lines[row]?.splice(column);
    else if (command === 'J') {
      lines[row]?.splice(column);
      lines.splice(row + 1);
    } else if (command !== 'm') throw new Error(`The terminal does not know ${count}${command}`);
  };

  const terminal: Terminal = {
    columns,
    rows,
    isTTY,
    write(text) {
      written += text;
      for (let rest = text; rest !== '';) {
        const [whole, count = '', command = ''] = sequence.exec(rest) ?? [];
        if (whole !== undefined) steer(count, command);
        const character = whole ?? String.fromCodePoint(rest.codePointAt(0) ?? 0);
        if (character === '\n') newLine();
        else if (character === '\r') column = 0;
        else if (whole === undefined) put(character);
        rest = rest.slice(character.length);
      }
      pictures.push(picture());
      for (const look of waiting) look();
      return true;
    },
    get lines() {
      return lines.map((line) => line.join('').trimEnd());
    },
    get wraps() {
      return wraps;
    },
    get written() {
      return written;
    },
    pictures,
    shows: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!pattern.test(picture())) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    resize(next) {
      terminal.columns = next;
      for (const listen of resizeListeners) listen();
    },
    get resizeListeners() {
      return resizeListeners.size;
    },
    on: (_, listener) => void resizeListeners.add(listener),
    off: (_, listener) => void resizeListeners.delete(listener),
  };
  const picture = (): string => terminal.lines.join('\n');
  return terminal;
}
