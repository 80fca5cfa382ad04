import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pendingFiles } from '../../src/postgres/migration-plan.ts';

const a = { name: 'a', when: 1, hash: 'ha' };
const b = { name: 'b', when: 2, hash: 'hb' };
const c = { name: 'c', when: 3, hash: 'hc' };
const rowOf = ({ when, hash }: typeof a) => ({ createdAt: when as number | null, hash });

describe('pending', () => {
  test('is what the history lacks, in the order of the files', () => {
    expect(pendingFiles([a, b, c], [rowOf(b)])).toEqual([a, c]);
  });

  test('includes an older file that was merged late', () => {
    expect(pendingFiles([a, b, c], [rowOf(a), rowOf(c)])).toEqual([b]);
  });

  test('leaves out an edited file', () => {
    expect(pendingFiles([{ ...a, hash: 'edited' }], [rowOf(a)])).toEqual([]);
  });

  test('leaves out a file whose time was written anew', () => {
    expect(pendingFiles([{ ...a, when: 99 }], [rowOf(a)])).toEqual([]);
  });

  test('leaves out a file whose row has no time', () => {
    expect(pendingFiles([a, b], [{ createdAt: null, hash: 'ha' }])).toEqual([b]);
  });

  test('counts rows written twice for one file once', () => {
    const twin = { ...a, name: 'twin', when: 50 };
    expect(pendingFiles([a, twin], [rowOf(a), rowOf(a)])).toEqual([twin]);
  });

  test('takes one row for each of two files with the same text', () => {
    const twin = { ...a, name: 'twin', when: 50 };
    expect(pendingFiles([a, twin], [rowOf(a)])).toEqual([twin]);
    expect(pendingFiles([a, twin], [rowOf(a), rowOf(twin)])).toEqual([]);
  });

  test('is empty once every file has its row, whatever else the history holds', () => {
    const mark = fc.record({ when: fc.nat(5), hash: fc.constantFrom('x', 'y', 'z') });
    fc.assert(
      fc.property(
        fc.uniqueArray(mark, { selector: ({ when }) => when }),
        fc.array(
          fc.record({ createdAt: fc.option(fc.nat(5)), hash: fc.constantFrom('x', 'y', 'q') }),
        ),
        (files, others) => {
          const rows = files.map(({ when, hash }) => ({ createdAt: when, hash }));
          expect(pendingFiles(files, [...others, ...rows])).toEqual([]);
        },
      ),
    );
  });

  test('shrinks by at most one file a row', () => {
    const mark = fc.record({ when: fc.nat(5), hash: fc.constantFrom('x', 'y', 'z') });
    const row = fc.record({
      createdAt: fc.option(fc.nat(5)),
      hash: fc.constantFrom('x', 'y', 'q'),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(mark, { selector: ({ when }) => when }),
        fc.array(row),
        (files, rows) => {
          const pending = pendingFiles(files, rows);
          expect(pending.length).toBeGreaterThanOrEqual(files.length - rows.length);
          expect(files.filter((file) => pending.includes(file))).toEqual(pending);
        },
      ),
    );
  });
});
