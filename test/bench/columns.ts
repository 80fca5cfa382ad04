import type { Sample } from './measure.ts';

/** A table for people: its rows, of which the first is the header, and what the words in it mean. */
export interface Table {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
  /** A word of the table and its meaning. A note on the whole table has no word. */
  readonly notes: readonly (readonly [word: string, meaning: string])[];
}

/** For a terminal. */
export function renderText({ title, rows, notes }: Table): readonly string[] {
  const width = Math.max(...notes.map(([word]) => word.length)) + 2;
  return [
    title,
    '',
    ...alignColumns(rows).map((cells) => `  ${cells.join('   ')}`.trimEnd()),
    ...(notes.length > 0 ? [''] : []),
    ...notes.map(([word, meaning]) => `  ${word === '' ? '' : word.padEnd(width)}${meaning}`),
  ];
}

/** For a page, with the spaces that a formatter would add. */
export function renderMarkdown({ title, rows }: Table): readonly string[] {
  const [header = [], ...others] = alignColumns(rows);
  const rule = header.map((cell, column) =>
    isText(rows, column) ? '-'.repeat(cell.length) : `${'-'.repeat(cell.length - 1)}:`,
  );
  return [`**${title}**`, '', ...[header, rule, ...others].map((row) => `| ${row.join(' | ')} |`)];
}

/** `12.3 ms (11.0 … 20.1)` */
export function range({ medianMs, lowMs, highMs }: Sample): string {
  return `${milliseconds(medianMs)} (${digits(lowMs)} … ${digits(highMs)})`;
}

export function milliseconds(ms: number): string {
  return `${digits(ms)} ms`;
}

/** `0.85 ×`, `2.4 ×`, `12 ×` */
export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 1 ? 2 : ratio < 10 ? 1 : 0)} ×`;
}

/** Three digits that say something. */
export function digits(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

/** Text stands to the left, figures to the right. */
function alignColumns(rows: Table['rows']): readonly (readonly string[])[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isText(rows, column) ? cell.padEnd(width) : cell.padStart(width);
    }),
  );
}

function isText([, first = []]: Table['rows'], column: number): boolean {
  return /^[a-z]/i.test(first[column] ?? '');
}
