import type { TenantsPlan } from '../index.ts';

/** How a text is painted, and what it means. */
export type Tone = 'good' | 'bad' | 'warning' | 'soft';

/** A stretch of a bar, from 0 to 1. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** One character, so that bars differ without colours. */
  readonly glyph: string;
  readonly tone?: Tone;
}

/** A cell of a table: a text, or a bar that takes the width that is left. */
export type Cell = string | readonly Stretch[];

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Whether its texts may lose their middle when the page is too narrow. */
  readonly isElastic?: true;
  /** Whether they lose their end instead: of a list the first words say most. */
  readonly isCutAtEnd?: true;
  readonly tone?: Tone;
  /** Whether its cells are bars. Markdown leaves it out. */
  readonly isChart?: true;
  /** Whether it is left out where a text would have to be cut for it. */
  readonly isSpare?: true;
}

export type Block =
  | { readonly kind: 'title' | 'line' | 'legend'; readonly text: string }
  | {
      readonly kind: 'point';
      readonly text: string;
      readonly tone: Tone;
      readonly notes: readonly string[];
    }
  | {
      readonly kind: 'table';
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: 'list'; readonly rows: readonly (readonly [name: string, text: string])[] };

/** An answer for people, before it is drawn for a terminal or written as Markdown. */
export class Page {
  readonly blocks: Block[] = [];

  /** Adds a heading. */
  title(text: string): void {
    this.blocks.push({ kind: 'title', text });
  }

  /** Adds a sentence. */
  line(text: string): void {
    this.blocks.push({ kind: 'line', text });
  }

  /** Explains the bars above. Markdown leaves it out with them. */
  legend(text: string): void {
    this.blocks.push({ kind: 'legend', text });
  }

  /** Adds one of several things, with what there is to say about it. */
  point(tone: Tone, text: string, notes: readonly string[] = []): void {
    this.blocks.push({ kind: 'point', text, tone, notes });
  }

  /** Adds a table with the titles of its columns. */
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
    if (rows.length > 0) this.blocks.push({ kind: 'table', columns, rows });
  }

  /** Adds names with texts beside them. */
  list(rows: readonly (readonly [name: string, text: string])[]): void {
    if (rows.length > 0) this.blocks.push({ kind: 'list', rows });
  }
}

/** `1 file`, `2 files`. */
export function count(number: number, word: string, many = `${word}s`): string {
  return `${number} ${number === 1 ? word : many}`;
}

/** `1000 tenants, 2 behind`, `1 tenant, up to date`. */
export function countTenants({ total, upToDate }: Omit<TenantsPlan, 'behind'>): string {
  const behind = total - upToDate;
  return `${count(total, 'tenant')}, ${behind === 0 ? 'up to date' : `${behind} behind`}`;
}
