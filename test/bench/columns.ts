import type { Sample } from './measure.ts';

/** `12.3 ms (11.0 … 20.1)` */
export function range({ medianMs, lowMs, highMs }: Sample): string {
  return `${milliseconds(medianMs)} (${digits(lowMs)} … ${digits(highMs)})`;
}

export function milliseconds(ms: number): string {
  return `${digits(ms)} ms`;
}

/** Three digits that say something. */
function digits(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

/** Text stands to the left, figures to the right. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const isText = /^[a-z]/i.test(rows[1]?.[column] ?? '');
        return isText ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('   ')
      .replace(/^/, '  ')
      .trimEnd(),
  );
}
