import type { Block, Cell, Page } from './page.ts';

/** Writes a page as Markdown, for a chat, a ticket or the summary of a CI job. */
export function writeMarkdown({ blocks }: Page): string {
  const written = blocks.filter(({ kind }) => kind !== 'legend');
  const parts = written.map((block, at) => {
    const isList = block.kind === 'point' && written[at + 1]?.kind === 'point';
    return `${writeBlock(block)}${isList ? '' : '\n'}`;
  });
  return `${parts.join('\n').trimEnd()}\n`;
}

function writeBlock(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `## ${escape(block.text)}`;
    case 'line':
    case 'legend':
      return escape(block.text);
    case 'point':
      return [`- ${escape(block.text)}`, ...block.notes.map((note) => `  ${escape(note)}`)].join(
        '  \n',
      );
    case 'list':
      return writeTable(['', ''], ['left', 'left'], block.rows);
    default: {
      const kept = block.columns.flatMap(({ isChart }, at) => (isChart ? [] : [at]));
      return writeTable(
        kept.map((at) => block.columns[at]?.title ?? ''),
        kept.map((at) => block.columns[at]?.align ?? 'left'),
        block.rows.map((row) => kept.map((at) => toText(row[at]))),
      );
    }
  }
}

function writeTable(
  titles: readonly string[],
  aligns: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escape).join(' | ')} |`;
  const rule = `| ${aligns.map((align) => (align === 'right' ? '---:' : '---')).join(' | ')} |`;
  return [line(titles), rule, ...rows.map(line)].join('\n');
}

function toText(cell: Cell | undefined): string {
  return typeof cell === 'string' ? cell : '';
}

/** Texts of other programs may look like Markdown or HTML. */
function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#]/g, String.raw`\$&`).replaceAll(/\r?\n/g, ' ');
}
