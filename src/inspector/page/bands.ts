/** A part of a long list, as indexes: only this part is drawn. */
export type Part = readonly [from: number, to: number];

/** Each row of the log is this high, so that the place of any row is known without drawing it. Keep it like `.log tbody tr`. */
export const rowHeight = 24;
/** Rows beyond the visible ones, so that a quick scroll shows no gap. */
const spare = 10;

/** Chooses the rows of the log to draw: those in sight, and a few more. */
export function chooseRows(count: number, top: number, height: number): Part {
  const shown = Math.ceil(height / rowHeight) + 2 * spare;
  const from = Math.max(0, Math.min(Math.floor(top / rowHeight) - spare, count - shown));
  return [from, Math.min(count, from + shown)];
}

/** Chooses at most `most` neighbours, among them the one that has to be seen. */
export function chooseBand(count: number, around: number, most: number): Part {
  // It moves by halves, so that it stands still for a while when the item in question goes on.
  const half = Math.ceil(most / 2);
  const from = Math.max(0, Math.min(around - (around % half), count - most));
  return [from, Math.min(count, from + most)];
}
