import { describe, expect, it } from 'vitest';
import { mapFolders, sqlFiles, type MigrationSource } from '../../src/core/migration-source.ts';
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
    [
      'a list of all of them',
      [
        '/srv/drizzle',
        { name: 'one', run },
        [],
        [{ name: 'two', run }],
        sqlFiles('/srv/sql', { repeatable: true }),
        new URL('file:///srv/more'),
      ],
    ],
  ])('may be %s', (_, migrations) => {
    expect(() => checkPlugin({ id: 'a', migrations }, 'plugins[0]')).not.toThrow();
  });

  it.each([
    [
      null,
      'to be a file: URL or an absolute path, sqlFiles(), a list of functions or a list of these, got null',
    ],
    [
      {},
      'to be a file: URL or an absolute path, sqlFiles(), a list of functions or a list of these, got an object',
    ],
    ['./drizzle', 'to be a file: URL or an absolute path, got "./drizzle"'],
    [
      sqlFiles('/srv/sql', { format: 'gose' as 'goose' }),
      ".format to be 'plain' or 'dbmate' or 'goose' or 'flyway' or 'node-pg-migrate' or 'sql-migrate'; did you mean goose?, got \"gose\"",
    ],
    [
      sqlFiles('/srv/sql', { fromat: 'goose' } as object),
      'to be sqlFiles() with repeatable and format only; did you mean format?, got "fromat"',
    ],
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
    [['/srv/a', './b'], '[1] to be a file: URL or an absolute path, got "./b"'],
    [
      ['/srv/a', sqlFiles('./sql')],
      '[1].folder to be a file: URL or an absolute path, got "./sql"',
    ],
    [
      ['/srv/a', 5],
      '[1] to be a file: URL or an absolute path, sqlFiles() or an object with a name',
    ],
    [['/srv/a', { name: 'a' }], '[1].run to be a function, got undefined'],
    [['/srv/a', [{ name: 'a' }]], '[1][0].run to be a function, got undefined'],
    [['/srv/a', ['/srv/b']], '[1][0] to be an object with a name and a run(), got "/srv/b"'],
    [
      [{ name: 'a', run }, '/srv/a', [{ name: 'a', run }]],
      '[2][0].name to be a name that no other migration of the plugin has, got "a"',
    ],
    [
      sqlFiles('/srv/sql', { repeatabel: true } as object),
      'to be sqlFiles() with repeatable and format only; did you mean repeatable?, got "repeatabel"',
    ],
    [
      ['/srv/a', sqlFiles('/srv/sql', { repeatable: 1 } as object)],
      '[1].repeatable to be true or false, got 1',
    ],
  ])('may not be %j', (migrations, message) => {
    expect(() => checkPlugin({ id: 'a', migrations }, 'plugins[0]')).toThrow(message);
  });

  it('may not have a hole behind a folder, however long the list is', () => {
    const list: unknown[] = ['/srv/a'];
    list.length = 4_000_000_000;
    expect(() => checkPlugin({ id: 'a', migrations: list }, 'plugins[0]')).toThrow(
      'plugins[0].migrations[1] to be a file: URL',
    );
    expect(mapFolders(list as MigrationSource, (folder) => folder)).toBe(list);
  });

  it('get the folders that a package gives them, in lists too', () => {
    const functions = [{ name: 'two', run }];
    const list = ['drizzle', { name: 'one', run }, functions, sqlFiles('sql')];
    expect(mapFolders(list, (folder) => `/srv/${String(folder)}`)).toEqual([
      '/srv/drizzle',
      { name: 'one', run },
      functions,
      sqlFiles('/srv/sql'),
    ]);
  });

  it('may not have a hole', () => {
    const list = [{ name: 'a', run }];
    list[2] = { name: 'b', run };
    expect(() => checkPlugin({ id: 'a', migrations: list }, 'plugins[0]')).toThrow(
      'plugins[0].migrations[1] to be an object',
    );
  });
});
