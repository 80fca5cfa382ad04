import { namePart, splitName, qualifiedName, splitList } from './sql-names.ts';
import type { Statement } from './sql-text.ts';

/** The effect of a statement on other sessions, as far as its text shows it. */
export interface StatementEffect {
  /**
   * Which queries of others wait for the statement, until its transaction ends: none; those that write to its table; or those
   * that read from it, and so all of them. `unknown` when the statement runs code that Slipway does not see or know.
   */
  readonly blocks: 'none' | 'writers' | 'readers' | 'unknown';
  /** Whether it writes a whole table anew, or may: the larger the table, the longer it takes. */
  readonly rewrites: boolean;
}

/** The effect of code that is not known. */
export const unknownEffect: StatementEffect = { blocks: 'unknown', rewrites: false };

type Blocks = StatementEffect['blocks'];
type Rule = readonly [pattern: string, blocks: Blocks, rewrites?: true];

/** From the mildest to the worst: nothing is worse than what blocks readers, which blocks writers as well. */
const severity: readonly Blocks[] = ['none', 'writers', 'unknown', 'readers'];

const table = `(?:if exists )?(?:only )?(?<tables>${qualifiedName})`;
const tables = '(?:if exists )?(?<tables>.+)';
const column = `alter (?:column )?${namePart}`;

/** A default that is the same for each row, so that no row has to be written when its column is added. */
const constant = String.raw`\(*(?:'|[-+]?[\d.]|array\s*\[|(?:true|false|null|current_\w+|now\s*\(\s*\))(?!\w))`;

/** The subcommands of ALTER TABLE: https://www.postgresql.org/docs/current/sql-altertable.html */
const subcommands: readonly Rule[] = [
  ['validate constraint|cluster on|set without cluster|attach partition', 'none'],
  [`${column} set statistics|detach partition .* concurrently`, 'none'],
  [String.raw`(?:${column} )?(?:set|reset)\s*\((?!.*user_catalog_table)`, 'none'],
  [`add (?:constraint ${namePart} )?foreign key`, 'writers'],
  ['(?:enable|disable) (?:(?:replica|always) )?trigger', 'writers'],
  [`${column} (?:set data )?type`, 'readers', true],
  ['set (?:logged|unlogged|access method|tablespace)', 'readers', true],
  [
    String.raw`add (?!constraint|primary|foreign|unique|check|exclude).*(?:serial\b|\bgenerated\b|\bdefault (?=\S)(?!${constant}))`,
    'readers',
    true,
  ],
  ['', 'readers'],
];

/**
 * All other commands; the first rule that fits counts. From the pages of the commands in PostgreSQL's manual, and compared by a
 * test with what PostgreSQL does.
 */
const commands: readonly Rule[] = [
  ['insert into|merge into|update|delete from|copy .* from', 'none'],
  ['(?:create (?:unique )?index |drop index |reindex .*)concurrently', 'none'],
  [`create (?:unique )?index (?:if not exists )?(?:(?!on )${namePart} )?on ${table}`, 'writers'],
  [`create (?:or replace )?(?:constraint )?trigger .*? on ${table}`, 'writers'],
  [`create (?:or replace )?(?:rule|policy) .*? (?:on|to) ${table}`, 'readers'],
  [`(?:drop|alter) (?:trigger|rule|policy) .*? on ${table}`, 'readers'],
  [`create or replace (?:temp(?:orary)? )?(?:recursive )?view ${table}`, 'readers'],
  [
    'create (?:or replace )?(?:(?:global |local )?temp(?:orary)? |unlogged |recursive |materialized )*(?:table|view|sequence|type|domain|schema|function|procedure|aggregate|operator|cast|collation|role|user|statistics)',
    'none',
  ],
  [String.raw`alter index ${table} (?:rename|set\s*\(|reset|alter)`, 'none'],
  [`alter sequence ${table} (?!rename|owner|set )`, 'writers'],
  [`alter (?:index|sequence|view|materialized view) (?!all )${table}`, 'readers'],
  [`alter type ${qualifiedName} (?:add value|rename value|rename to|owner)`, 'none'],
  ['alter (?:function|procedure|routine|aggregate|schema|default privileges)', 'none'],
  [`drop (?:table|index|view|materialized view|sequence|foreign table) ${tables}`, 'readers'],
  ['drop (?:function|procedure|routine|aggregate|type|domain|role|user) (?!.* cascade$)', 'none'],
  [`truncate (?:table )?${tables}`, 'readers'],
  ['lock .* in (?:access share|row (?:share|exclusive)|share update exclusive) mode', 'none'],
  ['lock .* in (?:share|share row exclusive|exclusive) mode', 'writers'],
  [`lock (?:table )?${tables}`, 'readers'],
  ['refresh materialized view concurrently', 'writers'],
  [`refresh materialized view ${table}`, 'readers', true],
  [String.raw`vacuum (?:\([^)]*\bfull\b|full)|cluster`, 'readers', true],
  ['reindex', 'readers'],
  ['vacuum|analyze|comment on|grant|revoke|set|reset|show', 'none'],
];

/** The tables that CREATE TABLE and ALTER TABLE name beside their own. */
const reached: readonly Rule[] = [
  [`references ${table}`, 'writers'],
  [`(?:attach partition|partition of) ${table}`, 'readers'],
];

interface Compiled {
  readonly form: RegExp;
  readonly effect: StatementEffect;
}

function compile(rules: readonly Rule[], start: string, flags = 'is'): readonly Compiled[] {
  return rules.map(([pattern, blocks, rewrites = false]) => ({
    form: toForm(`${start}(?:${pattern})`, flags),
    effect: { blocks, rewrites },
  }));
}

/** A blank stands for any white space, and no match ends in the middle of a word. */
function toForm(pattern: string, flags = 'is'): RegExp {
  const spaced = pattern.replaceAll(' ', String.raw`\s+`);
  return new RegExp(String.raw`${spaced}(?!(?<=[\w$])[\w$])`, flags);
}

const subcommandRules = compile(subcommands, '^');
const otherRules = compile(commands, '^');
const reachedRules = compile(reached, String.raw`\b`, 'gis');
const alterTable = toForm(String.raw`^alter table (?!all )${table}(?:\s*\*)? (?<rest>.+)`);
const creating = toForm(
  String.raw`^create (?!or )(?:\w+ ){0,2}?(?:table|view|sequence) (?<guard>if not exists )?${table}`,
);
const firstName = toForm(`^(?:only )?(${qualifiedName})`);

/**
 * Reads from the statements of a migration what others notice of each. What an earlier statement of the same transaction has
 * made is not there yet for others, so that no query waits for it.
 *
 * @param inTransaction Whether the statements share one transaction.
 */
export function readEffects(
  statements: readonly Pick<Statement, 'commands'>[],
  schema: string,
  inTransaction: boolean,
): readonly StatementEffect[] {
  const made = new Set<string>();
  const toKey = (written: string): string => {
    const parts = splitName(firstName.exec(written)?.[1] ?? '');
    return (parts.length > 1 && parts[0] === schema ? parts.slice(1) : parts).join('.');
  };
  return statements.map((statement) => {
    const effects = statement.commands.flatMap(({ code }) => {
      const { guard, tables: name } = creating.exec(code)?.groups ?? {};
      // With IF NOT EXISTS it may have been there before.
      if (name !== undefined && guard === undefined) made.add(toKey(name));
      return readCommand(code)
        .filter(({ named }) => named.length === 0 || named.some((each) => !made.has(toKey(each))))
        .map(({ effect }) => effect);
    });
    if (!inTransaction) made.clear();
    return findWorst(effects);
  });
}

function findWorst(effects: readonly StatementEffect[]): StatementEffect {
  // One by one: a statement may have more commands than a call may have arguments.
  const worst = effects.reduce((most, { blocks }) => Math.max(most, severity.indexOf(blocks)), 0);
  const rewrites = effects.some((effect) => effect.rewrites);
  return { blocks: severity[worst] ?? 'unknown', rewrites };
}

/** An effect on the tables of these names; on something that the text does not name when there are none. */
interface Found {
  readonly effect: StatementEffect;
  readonly named: readonly string[];
}

function readCommand(code: string): readonly Found[] {
  const altered = alterTable.exec(code)?.groups;
  if (!altered) {
    const own = readRule(otherRules, code);
    return creating.test(code) ? [own, ...readReached(code)] : [own];
  }
  const { tables: named = '', rest = '' } = altered;
  const own = splitList(rest).map((each) => readRule(subcommandRules, each));
  return [...own.map(({ effect }) => ({ effect, named: [named] })), ...readReached(rest)];
}

/** The first rule that fits. */
function readRule(rules: readonly Compiled[], code: string): Found {
  for (const { form, effect } of rules) {
    const found = form.exec(code);
    if (found) return { effect, named: namesIn(found) };
  }
  return { effect: unknownEffect, named: [] };
}

function readReached(code: string): readonly Found[] {
  return reachedRules.flatMap(({ form, effect }) =>
    Array.from(code.matchAll(form), (found) => ({ effect, named: namesIn(found) })),
  );
}

function namesIn({ groups }: RegExpExecArray): readonly string[] {
  const written = groups?.['tables'];
  return written === undefined ? [] : splitList(written);
}
