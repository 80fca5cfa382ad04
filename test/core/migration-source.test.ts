import { describe, expect, it } from 'vitest';
import { sqlFiles } from '../../src/core/migration-source.ts';
import { checkPlugin } from '../../src/core/plugin-check.ts';

const run = (): void => undefined;

describe('the migrations of a plugin', () => {
  it.each([
    ['a folder', '/srv/drizzle'],
    ['a URL', new URL('file:///srv/drizzle')],
    ['a folder of SQL files', sqlFiles('/srv/sql')],
    ['no function yet', []],
    [
      'functions',
      [
        { name: 'init', run },
        { name: '2 more', run, transaction: false },
      ],
    ],
  ])('may be %s', (_, migrations) => {
    expect(() => checkPlugin({ id: 'a', migrations }, 'plugins[0]')).not.toThrow();
  });

  it.each([
    [null, 'to be a file: URL or an absolute path, sqlFiles() or a list of functions, got null'],
    [{}, 'to be a file: URL or an absolute path, sqlFiles() or a list of functions, got an object'],
    ['./drizzle', 'to be a file: URL or an absolute path, got "./drizzle"'],
    [sqlFiles('./sql'), '.folder to be a file: URL or an absolute path, got "./sql"'],
    [[run], '[0] to be an object with a name and a run(), got function run'],
    [[undefined], '[0] to be an object with a name and a run(), got undefined'],
    [[{ run }], '[0].name to be a name without spaces around it, got undefined'],
    [[{ name: '', run }], '[0].name to be a name without spaces around it, got ""'],
    [[{ name: ' a', run }], '[0].name to be a name without spaces around it, got " a"'],
    [[{ name: 'a\nb', run }], '[0].name to be a name without spaces around it'],
    [[{ name: 'a' }], '[0].run to be a function, got undefined'],
    [[{ name: 'a', run: 'x' }], '[0].run to be a function, got "x"'],
    [[{ name: 'a', run, transaction: true }], '[0].transaction to be false or left out, got true'],
    [[{ name: 'a', run, transation: false }], 'did you mean transaction?, got "transation"'],
    [
      [
        { name: 'a', run },
        { name: 'b', run },
        { name: 'a', run },
      ],
      '[2].name to be a name that no other migration of the plugin has, got "a"',
    ],
  ])('may not be %j', (migrations, message) => {
    expect(() => checkPlugin({ id: 'a', migrations }, 'plugins[0]')).toThrow(message);
  });

  it('may not have a hole', () => {
    const list = [{ name: 'a', run }];
    list[2] = { name: 'b', run };
    expect(() => checkPlugin({ id: 'a', migrations: list }, 'plugins[0]')).toThrow(
      'plugins[0].migrations[1] to be an object',
    );
  });
});
