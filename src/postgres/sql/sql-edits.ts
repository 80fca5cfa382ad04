import { SqlText, type Statement } from './sql-text.ts';

/** A stretch of the original text, `text.slice(start, end)`, and what stands there instead. */
export interface SqlEdit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** SQL that was changed in memory. */
export interface RewrittenSql {
  readonly text: string;
  /** Returns where the character at `index` of the new text was in the original. */
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
    toOriginal: (index) => findOriginal(index, sorted, starts),
  };
}

/** An index inside a replacement becomes the beginning of what was replaced. A big file has many edits: a binary search. */
function findOriginal(index: number, edits: readonly SqlEdit[], starts: readonly number[]): number {
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

/** A statement as it is sent. */
export interface SentStatement extends Pick<Statement, 'text' | 'codeOffset' | 'isLeftOpen'> {
  readonly sql: Pick<SqlText, 'commands'>;
  /** Returns where the character at `index` of the sent text is in the file. */
  readonly toOriginal: (index: number) => number;
}

/** Applies the edits of a file to its statements. A statement that stays as it is need not be read again. */
export function editStatements(
  statements: readonly Statement[],
  edits: readonly SqlEdit[],
): readonly SentStatement[] {
  const sorted = edits.toSorted((a, b) => a.start - b.start);
  let next = 0;
  return statements.map((statement) => {
    const { text, offset, codeOffset, isLeftOpen } = statement;
    const first = next;
    while ((sorted[next]?.start ?? Infinity) <= offset + text.length) next += 1;
    if (next === first) {
      const toOriginal = (index: number): number => offset + index;
      return { text, codeOffset, isLeftOpen, sql: statement, toOriginal };
    }
    const own = sorted.slice(first, next).map(({ start, end, replacement }) => {
      return { start: start - offset, end: end - offset, replacement };
    });
    const edited = applyEdits(text, own);
    const toOriginal = (index: number): number => offset + edited.toOriginal(index);
    return { text: edited.text, codeOffset, isLeftOpen, sql: new SqlText(edited.text), toOriginal };
  });
}
