import { lexSql } from './sql-lexer.ts';

/** Every word that may be the name of a table or an index, as it is kept in the catalog. */
export function namesInSql(text: string): readonly string[] {
  const names = new Set<string>();
  for (const { kind, start, end } of lexSql(text)) {
    const piece = text.slice(start, end);
    if (kind === 'identifier') names.add(piece.slice(1, -1).replaceAll('""', '"'));
    // A dollar quote is the body of a function or of a DO block.
    if (kind === 'code' || kind === 'dollar') {
      for (const word of wordsIn(piece)) {
        if (kind === 'dollar') names.add(word);
        names.add(word.toLowerCase());
      }
    }
  }
  return [...names];
}

function wordsIn(text: string): readonly string[] {
  return text.match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g) ?? [];
}
