import { SqlText } from '../../sql/sql-text.ts';
import type { FileFormat, FileRefusal, FileSettings, Mark, MarkReader } from './file-format.ts';

/** The part of a file that is its way up. */
export interface UpPart {
  /** Where its stretches begin and end, each of whole lines, in the units that the lines were given in. */
  readonly ranges: readonly UpRange[];
  readonly noTransaction: boolean;
  readonly refusal?: FileRefusal;
}

export interface UpRange {
  readonly start: number;
  readonly end: number;
}

/** What stands for a mark of no transaction, behind the last line of the file. */
export const noTransactionLine = '\n-- slipway: no-transaction\n';

/** The marks by which a file shows which tool it was written for. */
const signs: readonly (readonly [tool: FileFormat['tool'], pattern: RegExp])[] = [
  ['dbmate', /^--\s*migrate:(?:up|down)\b/],
  ['goose', /^--\s*\+goose\b/i],
  ['sql-migrate', /^--\s*\+migrate\b/i],
  ['node-pg-migrate', /^--[\s-]*(?:up|down)\s+migration\b/i],
];

const directive = /^\s*--\s*slipway:/i;

/** The characters of SQL before the first mark that are kept, to see whether it is any. */
const longestBefore = 64 * 1024;

/** Finds the way up in a file whose lines are added one after the other. */
export class UpReader {
  readonly #format: FileFormat;
  readonly #settings: FileSettings;
  readonly #marks: MarkReader;
  readonly #ranges: UpRange[] = [];
  #section: 'none' | 'up' | 'down';
  #hasMark = false;
  #noTransaction: boolean | undefined;
  #line = 0;
  #end = 0;
  #before = '';
  /** Whether a line of Slipway stands before the first mark. */
  #hasDirective = false;
  #refusal: FileRefusal | undefined;
  #foreign: FileFormat['tool'] | undefined;

  constructor(format: FileFormat, settings: FileSettings) {
    this.#format = format;
    this.#settings = settings;
    this.#marks = format.createReader(settings);
    this.#section = 'none';
    this.#refusal = settings.refusal;
  }

  /**
   * Adds the next line, or the next piece of a long one.
   *
   * @param isBegin Whether the text begins the line.
   */
  add(line: string, start: number, end: number, isBegin = true): void {
    if (isBegin) this.#line += 1;
    this.#end = end;
    const text = (this.#line === 1 && isBegin ? line.replace(/^\uFEFF/, '') : line).trimEnd();
    const mark = isBegin && text.includes('--') ? this.#marks.readMark(text) : undefined;
    if (mark) return this.#addMark(mark);
    if (isBegin && this.#foreign === undefined && text.startsWith('--')) this.#findForeign(text);
    if (this.#section === 'none' && isBegin && directive.test(text)) this.#hasDirective = true;
    if (this.#section === 'none' && this.#before.length < longestBefore) {
      this.#before += `${text}\n`;
    }
    if (this.#section === 'up') this.#keep(start, end);
    if (this.#section === 'up' || this.#format.upMark === undefined) {
      const fault = this.#marks.findFault?.(text);
      if (fault) this.#refuse(fault);
    }
  }

  end(): UpPart {
    const open = this.#marks.findOpenEnd?.();
    if (open) this.#refuse(open, false);
    const isWhole = !this.#hasMark && this.#format.upMark === undefined;
    if (this.#foreign !== undefined && (isWhole || this.#ranges.length === 0)) {
      this.#refuseForeign(this.#foreign);
    }
    if (!this.#hasMark && !isWhole) this.#refuseUnmarked();
    if (this.#hasMark && this.#hasDirective) {
      const because = 'has "-- slipway:" before its first mark, where it is not read';
      const hint = `Move it behind ${this.#format.upMark ?? '-- Up Migration'}.`;
      this.#refuse({ because, hint }, false);
    }
    if (this.#hasMark && new SqlText(this.#before).commands.length > 0) {
      const because = `has SQL before its first mark, which ${this.#format.tool} would not run`;
      const hint = `Put ${this.#format.upMark ?? '-- Up Migration'} before it.`;
      this.#refuse({ because, hint }, false);
    }
    return {
      ranges: isWhole ? [{ start: 0, end: this.#end }] : this.#ranges,
      noTransaction: this.#noTransaction ?? this.#settings.noTransaction ?? false,
      ...(this.#refusal && { refusal: this.#refusal }),
    };
  }

  #addMark(mark: Mark): void {
    if (mark.kind === 'refused') return this.#refuse(mark);
    if (mark.kind === 'noTransaction') this.#noTransaction = true;
    if (mark.kind !== 'up' && mark.kind !== 'down') return;
    this.#hasMark = true;
    this.#section = mark.kind;
    if (mark.kind === 'down') return;
    const wanted = mark.noTransaction ?? this.#noTransaction ?? false;
    if (this.#noTransaction !== undefined && this.#noTransaction !== wanted) {
      this.#refuse({
        because: 'has one part with and one without a transaction',
        hint: 'Make two files of it: a file runs in one transaction, or in none.',
      });
    }
    if (mark.noTransaction !== undefined) this.#noTransaction = wanted;
  }

  #keep(start: number, end: number): void {
    const last = this.#ranges.at(-1);
    if (last?.end === start) this.#ranges[this.#ranges.length - 1] = { start: last.start, end };
    else this.#ranges.push({ start, end });
  }

  #findForeign(text: string): void {
    this.#foreign = signs.find(
      ([tool, sign]) => tool !== this.#format.tool && sign.test(text),
    )?.[0];
  }

  #refuseForeign(tool: FileFormat['tool']): void {
    const because = `has the marks of ${tool}, and is read as a file of ${this.#format.tool}`;
    this.#refuse({ because, hint: `Read the folder with ${formatCall(tool)}.` }, false);
  }

  #refuseUnmarked(): void {
    this.#refuse(
      {
        because: `has no mark of ${this.#format.tool}`,
        hint: `Put ${this.#format.upMark} before its SQL. Without a format, sqlFiles(folder) runs each file as a whole.`,
      },
      false,
    );
  }

  /** The first one is reported. */
  #refuse({ because, hint }: Omit<FileRefusal, 'line'>, isHere = true): void {
    this.#refusal ??= { because, hint, ...(isHere && { line: this.#line, column: 1 }) };
  }
}

/** Writes the call that reads a folder in the format of a tool, for a hint. */
export function formatCall(tool: string): string {
  return `sqlFiles(folder, { format: '${tool}' })`;
}

/** Finds the way up in a text. */
export function readUpPart(text: string, format: FileFormat, settings: FileSettings): UpPart {
  const reader = new UpReader(format, settings);
  for (let start = 0; start < text.length;) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found + 1;
    reader.add(text.slice(start, end), start, end);
    start = end;
  }
  return reader.end();
}

/** The SQL of a file that has more in it than its way up: the rest is blank, so that each character stays in its place. */
export class UpSql extends SqlText {
  /** What runs, of which the history has the hash: an edit of the rest of the file is none. Empty when nothing runs. */
  readonly runs: string;
  readonly #original: string;

  constructor(file: string, { ranges, noTransaction }: UpPart) {
    super(blankOut(file, ranges) + (noTransaction ? noTransactionLine : ''));
    this.runs = joinRanges(file, ranges);
    this.#original = file;
  }

  /** The whole file, whose hash the history has when it was applied as a plain one. */
  override get original(): string {
    return this.#original;
  }
}

function blankOut(text: string, ranges: readonly UpRange[]): string {
  let result = '';
  let at = 0;
  for (const { start, end } of ranges) {
    result += blank(text.slice(at, start)) + text.slice(start, end);
    at = end;
  }
  return result + blank(text.slice(at));
}

function blank(text: string): string {
  return text.replaceAll(/[^\r\n]/g, ' ');
}

/** The whole file as it is; or stretches of it without the blanks around them. */
function joinRanges(text: string, ranges: readonly UpRange[]): string {
  const joined = ranges.map(({ start, end }) => text.slice(start, end)).join('');
  return joined.length === text.length ? text : joined.trim();
}
