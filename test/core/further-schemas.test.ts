import { describe, expect, it } from 'vitest';
import { checkPlugin } from '../../src/core/plugin-check.ts';

const check = (schemas: unknown, more: object = { migrations: [] }) =>
  checkPlugin({ id: 'a', schemas, ...more }, 'plugins[0]');

describe('the schemas of a plugin', () => {
  it.each([
    ['left out', undefined],
    ['none', []],
    ['a name', ['reporting']],
    ['names that need quotes', ['Audit "log"', "o'clock", 'übung', 'Public', 'a.b']],
    ['a name of 63 bytes', ['x'.repeat(63)]],
    ['as many as 20', Array.from({ length: 20 }, (_, at) => `s${at}`)],
  ])('may be %s', (_, schemas) => {
    expect(() => check(schemas)).not.toThrow();
  });

  const aName = 'to be the name of a schema, unquoted: 1 to 63 bytes, no control characters, got';
  it.each([
    ['reporting', 'plugins[0].schemas to be an array of at most 20 names of schemas'],
    [{}, 'plugins[0].schemas to be an array'],
    [Array.from({ length: 21 }, (_, at) => `s${at}`), 'to be an array of at most 20'],
    [[''], `plugins[0].schemas[0] ${aName} ""`],
    [[7], `${aName} 7`],
    [['a\0'], aName],
    [['a\nb'], aName],
    [['\ud800'], aName],
    [['x'.repeat(64)], aName],
    [['ü'.repeat(32)], aName],
    [['pg_mine'], 'to be a schema that PostgreSQL does not keep for itself, got "pg_mine"'],
    [['information_schema'], 'to be a schema that PostgreSQL does not keep for itself'],
    [['public'], 'to be a schema of the plugin alone, which public is not'],
    [['a', 'b', 'a'], 'schemas[2] to be a schema that is not listed twice, got "a"'],
  ])('may not be %j', (schemas, message) => {
    expect(() => check(schemas)).toThrow(message);
  });

  it('may not have a hole', () => {
    const list = ['a'];
    list[2] = 'b';
    expect(() => check(list)).toThrow(`plugins[0].schemas[1] ${aName} undefined`);
  });

  it('need migrations', () => {
    expect(() => check(['reporting'], {})).toThrow(
      'Expected plugins[0].schemas to be left out in a plugin without migrations, because only migrations make schemas, got an array of 1',
    );
    expect(() => check([], {})).not.toThrow();
  });
});
