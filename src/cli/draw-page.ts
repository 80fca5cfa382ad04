import pc from 'picocolors';
import { cutEnd, cutMiddle, displayWidth, padTo, wrapLine } from '../terminal/display-width.ts';
import type { Block, Cell, Page, Stretch, Tone } from './page.ts';

type Colors = ReturnType<typeof pc.createColors>;
type Table = Extract<Block, { readonly kind: 'table' }>;

/** The page of a terminal. */
interface Paper {
  readonly width: number;
  readonly hasColors: boolean;
}

const between = 2;
/** The least that is left of a text, and of a bar. */
const [narrowest, narrowestBar] = [8, 10];
const marks = { good: '✔', bad: '✖', warning: '!', soft: '·' } as const satisfies Record<
  Tone,
  string
>;

/** Draws a page for a terminal. No line is wider than the paper. */
export function drawPage({ blocks }: Page, { width, hasColors }: Paper): string {
  const colors = pc.createColors(hasColors);
  const lines: string[] = [];
  let previous: Block['kind'] | undefined;
  for (const block of blocks) {
    // What belongs together stands together.
    const isApart = previous !== undefined && previous !== 'title' && previous !== block.kind;
    if (isApart || (block.kind === 'title' && previous !== undefined)) lines.push('');
    lines.push(...drawBlock(block, width, colors));
    previous = block.kind;
  }
  return `${lines.join('\n')}\n`;
}

function drawBlock(block: Block, width: number, colors: Colors): readonly string[] {
  switch (block.kind) {
    case 'title':
      return wrapLine(block.text, width, 2).map(colors.bold);
    case 'line':
    case 'legend':
      return wrapLine(block.text, width, 2);
    case 'point': {
      const { text, tone, notes } = block;
      const mark = paint(marks[tone], tone, colors);
      return [
        ...wrapLine(`  ${mark} ${text}`, width, 4),
        ...notes.flatMap((note) => wrapLine(`    ${note}`, width, 6)),
      ];
    }
    case 'list':
      return drawList(block.rows, width);
    default:
      return drawTable(block, width, colors);
  }
}

function drawList(rows: readonly (readonly [string, string])[], width: number): readonly string[] {
  const longest = Math.max(...rows.map(([name]) => displayWidth(name)));
  const room = Math.min(Math.floor(width / 2), longest);
  return rows.flatMap(([name, text]) =>
    wrapLine(
      `  ${padTo(cutMiddle(name, room), room)}  ${text}`.trimEnd(),
      width,
      2 + room + between,
    ),
  );
}

function drawTable(table: Table, width: number, colors: Colors): readonly string[] {
  const { columns, rows } = sumWidths(measure(table)) > width ? withoutSpare(table) : table;
  const widths = fit({ columns, rows }, width);
  const draw = (cells: readonly Cell[], isHeading: boolean): string => {
    const texts = columns.map((column, at) => {
      const room = widths[at] ?? 0;
      const cell = cells[at] ?? '';
      if (typeof cell !== 'string') return drawBar(cell, room, colors);
      const text = column.isCutAtEnd ? cutEnd(cell, room) : cutMiddle(cell, room);
      const rest = ' '.repeat(Math.max(0, room - displayWidth(text)));
      const painted = paint(text, isHeading ? 'soft' : column.tone, colors);
      return column.align === 'right' ? rest + painted : painted + rest;
    });
    return `  ${texts.join(' '.repeat(between))}`.trimEnd();
  };
  const titles = columns.map(({ title }) => title);
  return [draw(titles, true), ...rows.map((row) => draw(row, false))];
}

type Grid = Pick<Table, 'columns' | 'rows'>;

function withoutSpare({ columns, rows }: Grid): Grid {
  const pick = <T>(all: readonly T[]): readonly T[] => all.filter((_, at) => !columns[at]?.isSpare);
  return { columns: pick(columns), rows: rows.map(pick) };
}

/** The width that each column needs. */
function measure({ columns, rows }: Grid): readonly number[] {
  return columns.map(({ title, isChart }, at) => {
    const texts = rows.map((row) => row[at] ?? '').filter((cell) => typeof cell === 'string');
    return isChart ? narrowestBar : Math.max(...[title, ...texts].map(displayWidth));
  });
}

function sumWidths(widths: readonly number[]): number {
  return 2 + between * (widths.length - 1) + widths.reduce((sum, width) => sum + width, 0);
}

/** Takes what is too much from the columns that may be cut, from the widest one first; a bar gets what is left. */
function fit(grid: Grid, width: number): readonly number[] {
  const { columns } = grid;
  const widths = [...measure(grid)];
  while (sumWidths(widths) > width) {
    const elastic = widths.map((each, at) => (columns[at]?.isElastic ? each : 0));
    const most = Math.max(...elastic);
    if (most <= narrowest) break;
    widths[elastic.indexOf(most)] = most - 1;
  }
  const chart = columns.findIndex(({ isChart }) => isChart);
  if (chart >= 0) widths[chart] = narrowestBar + Math.max(0, width - sumWidths(widths));
  return widths;
}

function drawBar(stretches: readonly Stretch[], width: number, colors: Colors): string {
  const cells: string[] = Array.from({ length: width }, () => ' ');
  for (const { from, to, glyph, tone } of stretches) {
    const first = Math.min(width - 1, Math.floor(from * width));
    const end = Math.max(first + 1, Math.round(to * width));
    cells.fill(paint(glyph, tone, colors), first, Math.min(width, end));
  }
  return cells.join('');
}

function paint(text: string, tone: Tone | undefined, colors: Colors): string {
  if (tone === undefined || text === '') return text;
  const { green, red, yellow, dim } = colors;
  return { good: green, bad: red, warning: yellow, soft: dim }[tone](text);
}
