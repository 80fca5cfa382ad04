/** A stretch of the original text, `text.slice(start, end)`, and what stands there instead. */
export interface SqlEdit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** SQL that was changed in memory. */
export interface RewrittenSql {
  readonly text: string;
  /** Where the character at `index` of the new text was in the original. */
  readonly toOriginal: (index: number) => number;
}

/** Applies edits that do not overlap, in any order. */
export function applyEdits(text: string, edits: readonly SqlEdit[]): RewrittenSql {
  const sorted = edits.toSorted((a, b) => a.start - b.start);
  const starts: number[] = [];
  let rewritten = '';
  let copied = 0;
  for (const { start, end, replacement } of sorted) {
    rewritten += text.slice(copied, start);
    starts.push(rewritten.length);
    rewritten += replacement;
    copied = end;
  }
  return {
    text: rewritten + text.slice(copied),
    toOriginal: (index) => toOriginal(index, sorted, starts),
  };
}

/** A place inside a replacement becomes the beginning of what it stands for. A big file has many: they are halved, not walked. */
function toOriginal(index: number, edits: readonly SqlEdit[], starts: readonly number[]): number {
  let before = 0;
  for (let end = starts.length; before < end;) {
    const middle = Math.floor((before + end) / 2);
    if ((starts[middle] ?? 0) <= index) before = middle + 1;
    else end = middle;
  }
  const last = edits[before - 1];
  if (!last) return index;
  const behind = index - (starts[before - 1] ?? 0) - last.replacement.length;
  return behind < 0 ? last.start : last.end + behind;
}
