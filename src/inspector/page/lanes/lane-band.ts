/** A row of a long list, or the room of rows that are not drawn. */
export type BandPart =
  | { readonly row: number }
  /** How many rows are left out, and which one is the first of them. */
  | { readonly skipped: number; readonly from: number };

/** Rows beyond the edges that are drawn as well, so that scrolling shows no holes. */
const spare = 8;

/** The part of a list that is seen. */
export interface Seen {
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
}

/**
 * Lists the rows to draw of a long list: those that are seen, a few around them, and one that has to stay because it has the
 * focus. The band moves in steps, so that not every pixel of scrolling draws it again.
 */
export function cutBand(
  count: number,
  { top, height, rowHeight }: Seen,
  kept?: number,
): readonly BandPart[] {
  const first = snapTop(top, rowHeight) / rowHeight - spare;
  const length = Math.ceil(height / rowHeight) + 3 * spare;
  const from = Math.max(0, Math.min(first, count - length));
  const rows = new Set<number>();
  for (let row = from; row < Math.min(count, from + length); row += 1) rows.add(row);
  if (kept !== undefined && kept >= 0 && kept < count) rows.add(kept);
  const parts: BandPart[] = [];
  let next = 0;
  for (const row of [...rows].toSorted((a, b) => a - b)) {
    if (row > next) parts.push({ skipped: row - next, from: next });
    parts.push({ row });
    next = row + 1;
  }
  if (count > next) parts.push({ skipped: count - next, from: next });
  return parts;
}

/** The place to which the band of rows is drawn when this is the upper edge: the same one for a few rows. */
export function snapTop(top: number, rowHeight: number): number {
  return Math.floor(top / rowHeight / spare) * spare * rowHeight;
}

/** After scrolling, this many rows are seen above a row and below it. */
const around = 3;

/** Finds where to scroll so that a row is seen with those around it; `undefined` when it is seen already. */
export function findScroll(row: number, { top, height, rowHeight }: Seen): number | undefined {
  const start = row * rowHeight;
  const end = start + rowHeight;
  const room = Math.max(0, Math.min(around * rowHeight, (height - rowHeight) / 2));
  if (start < top) return Math.max(0, start - room);
  if (end > top + height) return end + room - height;
  return undefined;
}
