import type { SqlCommand } from './sql-text.ts';

/** Commands whose first words say all that there is to say. */
const plain = `abort|analyze|analyse|begin|call|checkpoint|close|cluster|comment on|commit|copy|deallocate|declare|delete
  |delete from|discard|do|end|execute|explain|explain analyze|fetch|grant|import foreign schema|insert|insert into|listen
  |load|lock|lock table|merge|merge into|move|notify|prepare|reassign owned|refresh materialized view
  |refresh materialized view concurrently|reindex|release|reset|revoke|rollback|savepoint|security label|select|set|show
  |start transaction|table|truncate|truncate table|unlisten|update|vacuum|vacuum analyze|vacuum full|values|with
  |with recursive`;

/** Words between `create` and the kind of an object; no command has more than three of them. */
const modifiers = `or replace|constraint|global|local|procedural|recursive|temp|temporary|trusted|unique|unlogged`;

/** Kinds of objects. A name follows, or what belongs to no name. */
const kinds = `access method|aggregate|cast|collation|conversion|database|default conversion|default privileges|domain|event trigger
  |extension|foreign data wrapper|foreign table|function|group|index|index concurrently|language|large object
  |materialized view|operator|operator class|operator family|owned|policy|procedure|publication|role|routine|rule|schema
  |sequence|server|statistics|subscription|system|table|tablespace|text search configuration|text search dictionary
  |text search parser|text search template|transform|trigger|type|user|user mapping|view`;

/** What PostgreSQL takes for white space; any other character beyond ASCII is part of a name. */
const blank = String.raw`[ \t\n\r\f\v]`;
const endOfWord = String.raw`(?![\w$\u0080-\uffff])`;
const keywords = new RegExp(
  `^(?:(?:create|alter|drop)${endOfWord}(?:${blank}+${anyOf(modifiers)}){0,3}(?:${blank}+${anyOf(kinds)})?` +
    `|reindex${blank}+${anyOf('index|table|schema|database|system')}(?:${blank}+${anyOf('concurrently')})?|${anyOf(plain)})`,
  'i',
);

/**
 * The keywords that a command begins with, in upper case: what it does, and to which kind of object. They come from a closed
 * list, so that no name and no value is among them; empty for a command that the list does not have.
 *
 * @example readKeywords(new SqlText('create unique index on items (name)').commands[0]) // 'CREATE UNIQUE INDEX'
 */
export function readKeywords(command: Pick<SqlCommand, 'code'> | undefined): string {
  const [found = ''] = keywords.exec(command?.code.replace(opening, '') ?? '') ?? [];
  return found.replace(blanks, ' ').toUpperCase();
}

/** A query may stand in parentheses. */
const opening = /^[( \t\n\r\f\v]+/;
const blanks = new RegExp(`${blank}+`, 'g');

/** Matches one of these phrases, the longest that fits. */
function anyOf(phrases: string): string {
  const longestFirst = phrases
    .split('|')
    .map((phrase) => phrase.trim().split(' '))
    .toSorted((one, other) => other.length - one.length);
  return `(?:${longestFirst.map((words) => words.join(`${blank}+`)).join('|')})${endOfWord}`;
}
