import { describe, expect, it } from 'vitest';
import { BootError } from '../../src/core/errors.ts';
import { checkPlugin } from '../../src/core/plugin-check.ts';
import { collectionRef, provide, serviceRef } from '../../src/core/service.ts';
import { checkSettings, type SettingsOptions } from '../../src/core/settings.ts';

function messageOf(act: () => unknown): string {
  try {
    act();
    return 'nothing was wrong';
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const wrong = (options: unknown): string =>
  messageOf(() => checkSettings(options as SettingsOptions));

const prefix =
  'at most 62 lower-case letters, digits and _, not beginning with pg_, which PostgreSQL reserves';

describe('the options', () => {
  it('are complete and frozen once checked', () => {
    const settings = checkSettings({ init: { timeout: '5s' } });
    expect(settings).toEqual({
      migrations: {
        mode: 'apply',
        concurrency: 4,
        lockWait: 600_000,
        ddlLockTimeout: 1_000,
        ddlRetry: 300_000,
        statementTimeout: 0,
        outOfOrder: 'apply',
        edited: 'warn',
        ahead: 'warn',
        extensionSchemas: 'auto',
        schemaPrefix: 'plugin_',
        rewritePublic: true,
        strayObjects: 'error',
        strandedObjects: 'error',
        functionSearchPath: 'warn',
      },
      pooler: undefined,
      init: { concurrency: 8, timeout: 5_000, grace: 10_000 },
      stop: { timeout: 10_000, total: 30_000 },
      connect: { wait: 60_000 },
    });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.migrations)).toBe(true);
  });

  it.each([
    [{ init: { concurrency: 0 } }, 'init.concurrency to be an integer from 1 to 1000, got 0'],
    [
      { migrations: { concurrency: 65 } },
      'migrations.concurrency to be an integer from 1 to 64, got 65',
    ],
    [{ stop: 5 }, 'stop to be an object, got 5'],
    [
      { stop: { total: 'soon' } },
      'stop.total to be a duration of at most 24 days, as ms or like \'5s\', got "soon"',
    ],
    [
      { migrations: { rewritePublic: 'yes' } },
      'migrations.rewritePublic to be true or false, got "yes"',
    ],
    [
      { migrations: { extensionSchemas: 'ext' } },
      'migrations.extensionSchemas to be \'auto\' or an array, got "ext"',
    ],
    [
      { migrations: { extensionSchemas: ['ok', 3] } },
      'migrations.extensionSchemas[1] to be a schema name: 1 to 63 bytes, no control characters, got 3',
    ],
    [{ migrations: { schemaPrefix: 'A"' } }, `migrations.schemaPrefix to be ${prefix}, got "A\\""`],
    [{ migrations: { schemaPrefix: 'pg_' } }, `migrations.schemaPrefix to be ${prefix}, got "pg_"`],
    [
      { migrations: { schemaPrefix: 'x'.repeat(63) } },
      `migrations.schemaPrefix to be ${prefix}, got "${'x'.repeat(63)}"`,
    ],
    [
      { migrations: { schemaPrefix: 'a\n' } },
      `migrations.schemaPrefix to be ${prefix}, got "a\\n"`,
    ],
    [
      { migrations: { extensionSchemas: ['ä'.repeat(40)] } },
      `migrations.extensionSchemas[0] to be a schema name: 1 to 63 bytes, no control characters, got "${'ä'.repeat(40)}"`,
    ],
    [{ pooler: 'transaction' }, 'pooler to be \'session\', got "transaction"'],
  ])('%j is refused by name', (options, expected) => {
    expect(wrong(options)).toBe(`OPTIONS_INVALID: Expected ${expected}`);
  });

  it('an unknown option is refused with the one it resembles', () => {
    expect(wrong({ init: { concurency: 3 } })).toBe(
      'OPTIONS_INVALID: init has no option concurency. Did you mean concurrency?',
    );
    expect(wrong({ stop: { xyzzy: 3 } })).toBe(
      'OPTIONS_INVALID: stop has no option xyzzy. It has timeout, total',
    );
  });
});

describe('a plugin', () => {
  const check = (value: unknown): string => messageOf(() => checkPlugin(value, 'plugins[0]'));

  it('may hold nothing but an id', () => {
    expect(check({ id: 'a' })).toBe('nothing was wrong');
  });

  it.each([
    [undefined, 'plugins[0] to be a plugin made by definePlugin(), got undefined'],
    [[], 'plugins[0] to be a plugin made by definePlugin(), got an array of 0'],
    [{ default: {} }, 'plugins[0].id to be a string, got undefined'],
    [{ id: 7 }, 'plugins[0].id to be a string, got 7'],
    [{ id: 'a', init: 'x' }, 'plugins[0].init to be a function, got "x"'],
    [{ id: 'a', required: 'no' }, 'plugins[0].required to be true or false, got "no"'],
    [
      { id: 'a', migrations: './drizzle' },
      'plugins[0].migrations to be a file: URL or an absolute path, got "./drizzle"',
    ],
    [{ id: 'a', after: 'b' }, 'plugins[0].after to be an array of plugin ids, got "b"'],
    [
      { id: 'a', deps: { b: 3 } },
      'plugins[0].deps.b to be a service or optional or collection ref, got 3',
    ],
    [
      { id: 'a', provides: { b: serviceRef('b').optional() }, init: () => ({}) },
      'plugins[0].provides.b to be a service or collection ref, got an object with kind, id',
    ],
    [
      { id: 'a', provides: { b: serviceRef('b') } },
      'plugins[0].init to be a function that returns what provides lists, got undefined',
    ],
  ])('%j is refused by name', (value, expected) => {
    expect(check(value)).toBe(`PLUGIN_INVALID: Expected ${expected}`);
  });

  it('with a misspelt field is refused: it would be a plugin without it', () => {
    expect(check({ id: 'a', migration: '/x' })).toBe(
      'PLUGIN_INVALID: plugins[0] has a field migration, which no plugin has. Did you mean migrations?',
    );
  });

  it('has its times and retries checked at the door', () => {
    expect(check({ id: 'a', timeouts: { init: 'long' } })).toMatch(/plugins\[0\]\.timeouts\.init/);
    expect(check({ id: 'a', retry: { attempts: 0 } })).toMatch(/plugins\[0\]\.retry\.attempts/);
    expect(check({ id: 'a', retry: { attempts: 2, backoff: -1 } })).toMatch(/retry\.backoff/);
  });
});

describe('a service of the host', () => {
  it('is one value for all, or made for each plugin', () => {
    const name = serviceRef<string>('name');
    const items = collectionRef<string>('items');
    expect(provide(name, 'shop').valueFor('a')).toBe('shop');
    expect(provide(name, ({ plugin }) => `for ${plugin}`).valueFor('a')).toBe('for a');
    expect(provide(items, 'one').ref.kind).toBe('collection');
  });
});
