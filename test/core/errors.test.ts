import { describe, expect, it } from 'vitest';
import { problem } from '../../src/core/error-codes.ts';
import { toErrorRecord } from '../../src/core/error-record.ts';
import { BootError } from '../../src/core/errors.ts';
import { formatBootError } from '../../src/core/format-error.ts';
import { cutText, listNames } from '../../src/core/printable.ts';
import { repairCall } from '../../src/core/repair-call.ts';

describe('an error for people', () => {
  it('says what happened, to whom, where, why and what to do', () => {
    const error = new BootError('MIGRATION_FAILED', 'catalog failed to migrate: no column "pric"', {
      plugin: 'catalog',
      phase: 'migrateAll',
      position: {
        file: '0002_prices.sql',
        statement: 2,
        statements: 3,
        line: 7,
        column: 18,
        excerpt: '7 | UPDATE items SET pric = 1\n  |                  ^',
      },
      database: { sqlState: '42703', detail: 'two\nlines' },
      cause: 'the cause beneath',
      hint: 'Correct the file.',
    });
    expect(formatBootError(error)).toBe(
      [
        'MIGRATION_FAILED: catalog failed to migrate: no column "pric"',
        '  plugin    catalog',
        '  phase     migrateAll',
        '  file      0002_prices.sql, statement 2 of 3, line 7, column 18',
        '  state     42703',
        '  detail    two',
        '            lines',
        '  cause     the cause beneath',
        '',
        '    7 | UPDATE items SET pric = 1',
        '      |                  ^',
        '',
        '  → Correct the file.',
      ].join('\n'),
    );
  });

  it('lists every problem with its remedy', () => {
    const error = new BootError('GRAPH_INVALID', 'The plugins do not fit together: 2 problems', {
      problems: [
        problem('SERVICE_MISSING', 'a needs b'),
        problem('PLUGIN_DUPLICATE', 'twice', { hint: 'Once.' }),
      ],
    });
    expect(formatBootError(error)).toContain(
      '  1. SERVICE_MISSING: a needs b\n     → Add the plugin',
    );
    expect(formatBootError(error)).toContain('  2. PLUGIN_DUPLICATE: twice\n     → Once.');
  });

  it.each([
    ['a string', 'Error: a string'],
    [new TypeError('no'), 'TypeError: no'],
    [undefined, 'Error: undefined'],
    [Object.create(null), 'Error: an object without fields'],
  ])('takes whatever was thrown', (thrown, text) => {
    expect(formatBootError(thrown)).toBe(text);
  });

  it('ends when causes go round in a circle', () => {
    const one = new Error('one');
    const two = new Error('two', { cause: one });
    one.cause = two;
    const error = new BootError('INIT_FAILED', 'a failed', { cause: one });
    expect(formatBootError(error)).toContain('cause     two');
    expect(() => JSON.stringify(toErrorRecord(error))).not.toThrow();
  });
});

describe('an error of another copy of the package', () => {
  it('is written like one of this copy', () => {
    const facts = { plugin: 'a', phase: 'initAll', cause: new Error('why') } as const;
    const own = new BootError('INIT_FAILED', 'a failed', facts);
    const other = Object.assign(new Error('a failed', { cause: facts.cause }), {
      ...facts,
      name: 'BootError',
      code: own.code,
      hint: own.hint,
    });
    expect(other).not.toBeInstanceOf(BootError);
    expect(formatBootError(other)).toBe(formatBootError(own));
    const odd = Object.assign(other, {
      problems: [1n, null, { code: 'X', message: 'm', size: 1n }],
    });
    expect(() => JSON.stringify(toErrorRecord(odd))).not.toThrow();
  });
});

describe('a list of names', () => {
  it('that nobody would read becomes its number, the first and the last', () => {
    const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
    expect(listNames(names.slice(0, 8))).toBe('f0, f1, f2, f3, f4, f5, f6, f7');
    expect(listNames(names)).toBe('f0 … f299 (300 in all)');
    expect(repairCall('relocate', 'a', names)).toBe(
      "repair.relocate('a', { objects: ['f0' … 'f299' (300 in all)] })",
    );
  });

  it('and a text of 10 MB is cut, with what was cut', () => {
    const text = cutText('x'.repeat(10_000_000));
    expect(text).toMatch(/x… \(cut: 9990050 more characters\)$/);
    expect(cutText(text)).toBe(text);
  });
});

describe('an error in a report', () => {
  it('keeps message, code, stack and the chain of causes', () => {
    const database = Object.assign(new Error('no such table'), { code: '42P01' });
    const record = toErrorRecord(
      new BootError('MIGRATION_FAILED', 'a failed', { plugin: 'a', cause: database }),
    );
    expect(record).toMatchObject({
      name: 'BootError',
      message: 'a failed',
      code: 'MIGRATION_FAILED',
      plugin: 'a',
      cause: { message: 'no such table', code: '42P01' },
    });
    expect(record.stack).toContain('errors.test');
  });

  it('takes a thrown string, and every error of an aggregate', () => {
    expect(toErrorRecord('boom')).toEqual({ name: 'string', message: 'boom' });
    const record = toErrorRecord(new AggregateError([new Error('one'), 'two'], 'both'));
    expect(record.errors?.map(({ message }) => message)).toEqual(['one', 'two']);
  });

  it('holds nothing of a foreign error but its code: it may carry a password', () => {
    const foreign = Object.assign(new Error('refused'), { code: 'X', config: { password: 'p' } });
    expect(JSON.stringify(toErrorRecord(foreign))).not.toContain('password');
  });
});
