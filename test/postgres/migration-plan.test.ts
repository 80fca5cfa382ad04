import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashText } from '../../src/postgres/sources/migration-identity.ts';
import type { HistoryRow } from '../../src/postgres/history/migration-history.ts';
import { planMigrations } from '../../src/postgres/history/migration-plan.ts';
import type { SqlMigration } from '../../src/postgres/sources/migration.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

type ComparedFile = Pick<SqlMigration, 'historyName' | 'when' | 'sql' | 'hash'>;

const file = (historyName: string, when: number, text = historyName): ComparedFile => {
  return { historyName, when, sql: new SqlText(text), hash: hashText(text) };
};
/** The row that Drizzle 0.x writes. */
const rowOf = ({ when, hash }: ComparedFile): HistoryRow => {
  return { name: null, createdAt: when, hash };
};
/** The row that Drizzle 1.x writes. */
const namedRowOf = ({ historyName, when, hash }: ComparedFile): HistoryRow => {
  return { name: historyName, createdAt: when, hash };
};
const plan = (files: readonly ComparedFile[], rows: readonly HistoryRow[]) =>
  planMigrations(files, rows, 'plugin_a');
const pendingFiles = (files: readonly ComparedFile[], rows: readonly HistoryRow[]) =>
  plan(files, rows).pending;

const a = file('a', 1_001);
const b = file('b', 2_002);
const c = file('c', 3_003);

describe('pending', () => {
  test('is what the history lacks, in the order of the files', () => {
    expect(pendingFiles([a, b, c], [rowOf(b)])).toEqual([a, c]);
  });

  test('includes an older file that was merged late', () => {
    expect(pendingFiles([a, b, c], [rowOf(a), rowOf(c)])).toEqual([b]);
  });

  test('leaves out an edited file', () => {
    expect(pendingFiles([file('a', a.when, 'edited')], [rowOf(a)])).toEqual([]);
  });

  test('leaves out a file whose time was written anew', () => {
    expect(pendingFiles([{ ...a, when: 99_000 }], [rowOf(a)])).toEqual([]);
  });

  test('leaves out a file whose row has no time', () => {
    expect(pendingFiles([a, b], [{ ...rowOf(a), createdAt: null }])).toEqual([b]);
  });

  test('leaves out a file that its row names, whatever else the row says', () => {
    const row = { name: 'a', createdAt: null, hash: 'another' };
    expect(pendingFiles([a, b], [row])).toEqual([b]);
  });

  test('leaves out a file that a replica of the other format wrote without its name', () => {
    // Another text, so that only the time is left to know it by.
    const moved = file('moved', 2_000);
    expect(pendingFiles([file('a', 1_000), moved], [namedRowOf(a), rowOf(b)])).toEqual([]);
    expect(pendingFiles([a, b], [namedRowOf(a), rowOf(moved)])).toEqual([]);
  });

  test('tells two files of one second apart', () => {
    const [x, y] = [file('x', 5_000), file('y', 5_000)];
    expect(pendingFiles([x, y], [namedRowOf(y)])).toEqual([x]);
    expect(pendingFiles([x, y], [rowOf(y)])).toEqual([x]);
    expect(pendingFiles([x, y], [namedRowOf(x), rowOf(x)])).toEqual([y]);
  });

  test('counts rows written twice for one file once', () => {
    const twin = file('twin', 50_000, 'a');
    expect(pendingFiles([a, twin], [rowOf(a), rowOf(a)])).toEqual([twin]);
    const moved = { ...namedRowOf(a), createdAt: 1_000 };
    expect(pendingFiles([a, twin], [rowOf(a), moved])).toEqual([twin]);
  });

  test('takes one row for each of two files with the same text', () => {
    const twin = file('twin', 50_000, 'a');
    expect(pendingFiles([a, twin], [rowOf(a)])).toEqual([twin]);
    expect(pendingFiles([a, twin], [rowOf(a), rowOf(twin)])).toEqual([]);
  });

  const when = fc.nat(5).map((seconds) => seconds * 1_000);
  const files = fc.uniqueArray(
    fc.record({ when, text: fc.constantFrom('x', 'y', 'z') }).map((mark) => {
      return file(`${mark.when}_file`, mark.when, mark.text);
    }),
    { selector: (each) => each.when },
  );
  const others = fc.array(
    fc.record({
      name: fc.constantFrom(null, '0_file', '1000_file', 'gone'),
      createdAt: fc.option(when),
      hash: fc.constantFrom('x', 'y', 'q').map(hashText),
    }),
  );

  test('is empty once every file has its row, whatever else the history holds', () => {
    fc.assert(
      fc.property(files, others, fc.boolean(), (given, rest, isNamed) => {
        const rows = given.map(isNamed ? namedRowOf : rowOf);
        expect(pendingFiles(given, [...rest, ...rows])).toEqual([]);
      }),
    );
  });

  test('and everything else is the same in whichever order the rows are', () => {
    fc.assert(
      fc.property(files, fc.boolean(), fc.nat(9), (given, isNamed, strange) => {
        const rows = given.map((each, at) => {
          const row = (isNamed ? namedRowOf : rowOf)(each);
          return at === strange ? { ...row, name: isNamed ? null : each.historyName } : row;
        });
        expect(plan(given, rows)).toEqual(plan(given, rows.toReversed()));
      }),
    );
  });

  test('shrinks by at most one file a row', () => {
    fc.assert(
      fc.property(files, others, (given, rows) => {
        const pending = pendingFiles(given, rows);
        expect(pending.length).toBeGreaterThanOrEqual(given.length - rows.length);
        expect(given.filter((each) => pending.includes(each))).toEqual(pending);
      }),
    );
  });
});

describe('edited', () => {
  test('is a file whose text is another than the one that ran', () => {
    const edited = file('a', a.when, 'edited');
    expect(plan([edited], [rowOf(a)]).edited).toEqual([edited]);
    expect(plan([a], [rowOf(a)]).edited).toEqual([]);
  });

  const generated = 'alter table "public"."t"\nadd x int;\n';
  test.each([
    ['CRLF in the folder', generated.replaceAll('\n', '\r\n'), generated],
    ['CRLF when it ran', generated, generated.replaceAll('\n', '\r\n')],
    ['the schema in the folder', generated.replace('public', 'plugin_a'), generated],
    ['the schema when it ran', generated, generated.replace('public', 'plugin_a')],
    [
      'the schema in the folder, CRLF when it ran',
      generated.replace('public', 'plugin_a'),
      generated.replaceAll('\n', '\r\n'),
    ],
  ])('is not a file with %s', (_, now, then) => {
    const rows = [rowOf(file('a', 1_001, then))];
    expect(plan([file('a', 1_001, now)], rows).edited).toEqual([]);
    // Nor is it run again when only its hash is left to know it by.
    expect(plan([file('b', 99_000, now)], rows)).toMatchObject({ pending: [], unknown: [] });
  });
});

test('a fresh folder is no edit of one that Checkstack has rewritten on disk', () => {
  const fresh =
    'create table "public"."a" (s "public"."s");\nalter table "public"."a" add x int;\n';
  const rewritten = 'create table "a" (s "s");\nalter table "a" add x int;\n';
  for (const then of [rewritten, rewritten.replaceAll('\n', '\r\n')]) {
    for (const now of [fresh, fresh.replaceAll('\n', '\r\n')]) {
      const rows = [rowOf(file('a', 1_001, then))];
      expect(plan([file('a', 1_001, now)], rows)).toMatchObject({ edited: [], pending: [] });
    }
  }
});

describe('moved', () => {
  test('is a file that is known by its text alone', () => {
    const again = file('again', 9_009, 'a');
    const [row, named] = [rowOf(a), namedRowOf(a)];
    expect(plan([b, again], [row, rowOf(b)]).moved).toEqual([{ file: again, row }]);
    expect(plan([b, again], [named, rowOf(b)]).moved).toEqual([{ file: again, row: named }]);
  });

  test('is no file that its row knows by name or time, and none whose row knows nothing but the text', () => {
    expect(plan([a, b], [rowOf(a), namedRowOf(b)]).moved).toEqual([]);
    expect(plan([a], [{ ...rowOf(a), createdAt: null }]).moved).toEqual([]);
    expect(plan([a], [{ ...namedRowOf(a), createdAt: 5 }]).moved).toEqual([]);
  });
});

describe('what stands in another order or nowhere', () => {
  test('out of order is a pending file before one that is applied', () => {
    expect(plan([a, b, c], [rowOf(b)]).outOfOrder).toEqual([a]);
    expect(plan([a, b, c], [rowOf(a)]).outOfOrder).toEqual([]);
    expect(plan([a, b], []).outOfOrder).toEqual([]);
  });

  test('unknown are the rows that no file matches, repeats of a known one aside', () => {
    expect(plan([a], [rowOf(a), rowOf(a), rowOf(b)]).unknown).toEqual([rowOf(b)]);
    expect(plan([a], [namedRowOf(a), rowOf(a)]).unknown).toEqual([]);
  });
});
