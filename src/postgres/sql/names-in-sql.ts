import { lexSql } from './sql-lexer.ts';

/** Every word that may be the name of a table or an index, as it is kept in the catalog. */
export function namesInSql(text: string): readonly string[] {
  const names = [...lexSql(text)].flatMap(({ kind, start, end }) => {
    const piece = text.slice(start, end);
    if (kind === 'identifier') return [piece.slice(1, -1).replaceAll('""', '"')];
    if (kind === 'code') return wordsIn(piece).map((word) => word.toLowerCase());
    // A body of a function or a DO block.
    return kind === 'dollar' ? wordsIn(piece).flatMap((word) => [word, word.toLowerCase()]) : [];
  });
  return [...new Set(names)];
}

function wordsIn(text: string): readonly string[] {
  return text.match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g) ?? [];
}
