import type { SqlFormat } from '../../../core/migration-source.ts';

/** The rules of a tool: which files of a folder are its migrations, and which part of them is the way up. */
export interface FileFormat {
  readonly tool: Exclude<SqlFormat, 'plain'>;
  /**
   * Reads the name of a file.
   *
   * @param all The names of all files in the folder.
   */
  readName(name: string, all: ReadonlySet<string>): FileName;
  /** The order of two migrations. */
  compare(one: ListedFile, other: ListedFile): number;
  /** The mark that a way up begins with, for people; undefined when a file without marks is a way up as a whole. */
  readonly upMark?: string;
  /** Makes a reader of the marks of one file. */
  createReader(settings: FileSettings): MarkReader;
  /** Reads the settings that stand in a file beside the migration. */
  readonly settings?: {
    readonly suffix: string;
    read(text: string): FileSettings;
  };
  /** Whether the tool also reads the folders in the folder. */
  readonly isDeep?: boolean;
}

/** The meaning of a file name. */
export type FileName =
  | (Omit<ListedFile, 'name'> & { readonly kind: 'migration' })
  /** Not a migration, also for the tool. */
  | { readonly kind: 'other' }
  | { readonly kind: 'refused'; readonly because: string; readonly hint: string };

/** A migration in a folder. */
export interface ListedFile {
  /** The name of the file. */
  readonly name: string;
  /** Its name in Slipway's history. */
  readonly historyName: string;
  /** What distinguishes it for the tool: two files with the same version are refused. */
  readonly version: string;
  /** The numbers by which it is ordered. */
  readonly numbers: readonly bigint[];
  /** The language of a migration that is code, which cannot run here. */
  readonly code?: string;
}

/** The settings of one file. */
export interface FileSettings {
  readonly noTransaction?: boolean;
  readonly isLiteral?: boolean;
  readonly refusal?: Omit<FileRefusal, 'line' | 'column'>;
}

/** Why a file cannot run. An applied one is none the worse for it. */
export interface FileRefusal {
  /** Follows the name of the file: `has no mark of goose`. */
  readonly because: string;
  readonly hint: string;
  readonly line?: number;
  readonly column?: number;
}

/** Reads the marks of one file, line by line. */
export interface MarkReader {
  /** The mark on a line, without its line end; undefined when it is no mark. */
  readMark(line: string): Mark | undefined;
  /** What is wrong with a line of the way up that has no mark, such as a placeholder. */
  findFault?(line: string): { readonly because: string; readonly hint: string } | undefined;
  /** What is wrong with the end of the file. */
  findOpenEnd?(): { readonly because: string; readonly hint: string } | undefined;
}

export type Mark =
  | { readonly kind: 'up' | 'down'; readonly noTransaction?: boolean }
  | { readonly kind: 'noTransaction' }
  /** A mark that changes nothing here: statements are found by PostgreSQL's own rules. */
  | { readonly kind: 'note' }
  | { readonly kind: 'refused'; readonly because: string; readonly hint: string };

export const withoutSql = (name: string): string => name.replace(/\.sql$/i, '');

/** The refusal of a file in the folder that the tool would not run. */
export function noMigrationOf(tool: string, expected: string): FileName {
  return {
    kind: 'refused',
    because: `is no migration of ${tool}, whose names look like ${expected}`,
    hint: 'Rename it, or move it out of the folder: it would never run.',
  };
}
