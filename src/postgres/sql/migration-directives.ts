import { lexSql } from './sql-lexer.ts';

/** What a migration file may ask of Slipway, in a line comment of its own: `-- slipway: allow-outside`. */
export type MigrationDirective = (typeof migrationDirectives)[number];

export const migrationDirectives = ['allow-outside', 'no-transaction'] as const;

interface FoundDirectives {
  readonly known: ReadonlySet<MigrationDirective>;
  /** Such as a misspelt one: it would be a rule that is not kept, without anybody noticing. */
  readonly unknown: readonly string[];
}

const written = /^--\s*slipway:\s*(.*?)\s*$/i;

const hasAny = /--\s*slipway:/i;

/**
 * Reads the directives of a file.
 *
 * @example readDirectives('-- slipway: allow-outside\nCREATE SCHEMA a;').known // Set { 'allow-outside' }
 */
export function readDirectives(text: string): FoundDirectives {
  const found: string[] = [];
  // Most files have none, and need not be read for them.
  for (const { kind, start, end } of hasAny.test(text) ? lexSql(text) : []) {
    const name = kind === 'comment' ? written.exec(text.slice(start, end))?.[1] : undefined;
    if (name !== undefined) found.push(name);
  }
  return {
    known: new Set(migrationDirectives.filter((name) => found.includes(name))),
    unknown: found.filter((name) => !(migrationDirectives as readonly string[]).includes(name)),
  };
}
