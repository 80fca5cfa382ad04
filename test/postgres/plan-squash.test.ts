import { describe, expect, test } from 'vitest';
import { planMigrations } from '../../src/postgres/history/migration-plan.ts';
import {
  addForgotten,
  addRanges,
  commentSql,
  findReplaced,
  nothingReplaced,
  readReplaced,
  type ReplacedMarker,
} from '../../src/postgres/history/replaced-marker.ts';
import type { HistoryRow } from '../../src/postgres/history/migration-history.ts';
import type { SquashableFile } from '../../src/postgres/history/plan-squash.ts';
import { hashText, identifyByName } from '../../src/postgres/sources/migration-identity.ts';
import type { ReplacedRange } from '../../src/postgres/sources/name-range.ts';
import { SqlText } from '../../src/postgres/sql/sql-text.ts';

interface File extends SquashableFile {
  readonly name: string;
}

const firstWhen = 1_700_000_000_123;

/** A file of drizzle-kit 0.x, generated at this second. */
function old(tag: string, second: number, replaces?: readonly ReplacedRange[]): File {
  const when = firstWhen + second * 1_000;
  const text = `select '${tag}'`;
  const historyName = `${new Date(when).toISOString().replaceAll(/\D/g, '').slice(0, 14)}_${tag.slice(5)}`;
  return makeFile({ name: `${tag}.sql`, historyName, when, format: '0.x' }, text, replaces);
}

/** A file with its own name in the history. */
function named(tag: string, replaces?: readonly ReplacedRange[]): File {
  return makeFile({ ...identifyByName(tag), name: `${tag}.sql` }, `select '${tag}'`, replaces);
}

function makeFile(
  identity: Omit<File, 'hash' | 'sql'>,
  text: string,
  replaces?: readonly ReplacedRange[],
): File {
  const more = replaces ? { replaces } : {};
  return { ...identity, hash: hashText(text), sql: new SqlText(text), ...more };
}

const rowOf = ({ when, hash, historyName }: File): HistoryRow => {
  return { createdAt: when, hash, name: historyName };
};
const withoutName = (row: HistoryRow): HistoryRow => ({ ...row, name: null });
const range = (from: string, to = from, count?: number): ReplacedRange => {
  return { from, to, ...(count !== undefined && { count }) };
};
const list = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const numbered = (index: number, name = 'x'): string => `${String(index).padStart(4, '0')}_${name}`;

/** What a plan says, in short. */
function plan(files: readonly File[], rows: readonly HistoryRow[], marker?: ReplacedMarker) {
  const made = planMigrations(files, rows, 'plugin_a', marker);
  return {
    pending: made.pending.map(({ name }) => name),
    squashes: made.squashes.map(({ file, rows: replaced, obstacle }) =>
      obstacle
        ? `${file.name} ${obstacle.message} → ${obstacle.hint}`
        : [file.name, replaced.length],
    ),
    unknown: made.unknown.length,
    edited: made.edited.map(({ name }) => name),
    moved: made.moved.length,
  };
}
const clean = { pending: [], squashes: [], unknown: 0, edited: [], moved: 0 };

describe('a history with names', () => {
  const squash = named('0100_squash', [range('0000_x', '0099_x')]);
  const replaced = list(100, (index) => named(numbered(index)));
  const newer = named('0101_new');

  test('of which all replaced rows are there, gives them up', () => {
    expect(plan([squash], replaced.map(rowOf))).toEqual({
      ...clean,
      pending: ['0100_squash.sql'],
      squashes: [['0100_squash.sql', 100]],
    });
  });

  test('that is empty lets the file run, and one that has its row leaves it', () => {
    expect(plan([squash], [])).toEqual({ ...clean, pending: ['0100_squash.sql'] });
    expect(plan([squash, newer], [squash, newer].map(rowOf))).toEqual(clean);
    expect(plan([squash], [rowOf(newer), rowOf(squash)])).toEqual({ ...clean, unknown: 1 });
  });

  test('a gap, the end and the beginning are named when they are missing', () => {
    const without = (...gone: readonly number[]) =>
      plan([squash, newer], [...replaced.filter((_, at) => !gone.includes(at)), newer].map(rowOf));
    expect(without(50).squashes[0]).toContain(
      'which the database has 0000_x … 0099_x (99 in all), and lacks 0050 → Deploy the last release',
    );
    expect(without(99).squashes[0]).toContain('and lacks 0099_x →');
    expect(without(0, 7, 8).squashes[0]).toContain('and lacks 0000_x, 0007, 0008 →');
    expect(without(...list(99, (index) => index)).squashes[0]).toContain(
      '0000_x … 0098 (99 in all)',
    );
  });

  test('rows of other files stay, whatever their order is', () => {
    const rows = [newer, ...replaced.toReversed(), named('0042_y'), named('0200_ahead')].map(rowOf);
    expect(plan([squash, newer], rows)).toEqual({
      ...clean,
      pending: ['0100_squash.sql'],
      squashes: [['0100_squash.sql', 101]],
      unknown: 1,
    });
  });

  test('repeated rows count once, and all go', () => {
    const rows = [...replaced, ...replaced].map(rowOf);
    expect(plan([squash], rows).squashes).toEqual([['0100_squash.sql', 200]]);
  });

  test('a count replaces the numbers', () => {
    const some = [0, 10, 20, 99].map((index) => rowOf(named(numbered(index))));
    const counted = (count: number) => named('0100_squash', [range('0000_x', '0099_x', count)]);
    expect(plan([counted(4)], some).squashes).toEqual([['0100_squash.sql', 4]]);
    expect(plan([counted(5)], some).squashes[0]).toContain('and lacks 5 files, since it has 4');
    expect(plan([counted(4)], some.slice(0, 3)).squashes[0]).toContain('and lacks 0099_x');
  });

  test('ranges and single names add up', () => {
    const file = named('0100_squash', [range('0000_x', '0003_x'), range('init')]);
    const rows = [...replaced.slice(0, 4), named('init')].map(rowOf);
    expect(plan([file], rows).squashes).toEqual([['0100_squash.sql', 5]]);
    expect(plan([file], rows.slice(0, 4)).squashes[0]).toContain('and lacks init');
  });

  test('names with times need both ends', () => {
    const tags = ['20240101000000_a', '20240102000000_b', '20240103000000_c'].map((tag) =>
      named(tag),
    );
    const file = named('20240103000000_c_squash', [range('20240101000000_a', '20240103000000_c')]);
    expect(plan([file], tags.map(rowOf)).squashes).toEqual([['20240103000000_c_squash.sql', 3]]);
    expect(plan([file], tags.slice(1).map(rowOf)).squashes[0]).toContain('lacks 20240101000000_a');
    // Drizzle 0.x has written rows without names, with milliseconds.
    const bare = tags.map(rowOf).map((row) => {
      return { ...row, name: null, createdAt: (row.createdAt ?? 0) + 123 };
    });
    expect(plan([file], bare).squashes).toEqual([['20240103000000_c_squash.sql', 3]]);
    expect(plan([file], bare.slice(0, 2)).squashes[0]).toContain('lacks 20240103000000_c');
    expect(plan([file], [withoutName(rowOf(file))])).toEqual(clean);
  });

  test('a new file with the text of a replaced one is pending', () => {
    const same = {
      ...newer,
      hash: replaced[3]?.hash ?? '',
      sql: replaced[3]?.sql ?? new SqlText(''),
    };
    expect(plan([squash, same], replaced.map(rowOf)).pending).toEqual([
      '0100_squash.sql',
      '0101_new.sql',
    ]);
  });

  test('a later squash file replaces an earlier one', () => {
    const again = named('0201_squash', [range('0000_x', '0200_x')]);
    const marker = addRanges(nothingReplaced, '0100_squash', [range('0000_x', '0099_x')]);
    const rows = [squash, ...list(100, (index) => named(numbered(index + 101)))].map(rowOf);
    expect(plan([again], rows, marker).squashes).toEqual([['0201_squash.sql', 101]]);
    expect(plan([again], rows.slice(1), marker).squashes[0]).toContain('lacks 0000_x');
    expect(plan([again], rows.slice(0, 100), marker).squashes[0]).toContain('lacks 0200_x');
    // A database that has never seen the earlier one.
    const all = list(201, (index) => rowOf(named(numbered(index))));
    expect(plan([again], all).squashes).toEqual([['0201_squash.sql', 201]]);
  });
});

describe('a history without names', () => {
  const replaced = list(100, (index) => old(numbered(index), index));
  const squash = old('0100_squash', 200, [range('0000_x', '0099_x')]);
  const newer = old('0101_new', 300);
  const rows = (files: readonly File[]) => files.map(rowOf).map(withoutName);

  test('gives up as many older rows as the range has numbers', () => {
    expect(plan([squash, newer], rows([...replaced, newer]))).toEqual({
      ...clean,
      pending: ['0100_squash.sql'],
      squashes: [['0100_squash.sql', 100]],
    });
    expect(plan([squash], rows([squash]))).toEqual(clean);
  });

  test('is a problem with one row more or less, or with a row that is newer', () => {
    expect(plan([squash], rows(replaced.slice(1))).squashes[0]).toMatch(
      /which is 100 migrations; the database has 99 rows .* → Deploy the last release/,
    );
    expect(plan([squash], rows([...replaced, old('0050_branch', 150)])).squashes[0]).toMatch(
      /the database has 101 rows .* → Find out which rows/,
    );
    const late = old('0099_x', 250);
    expect(plan([squash], rows([...replaced.slice(0, 99), late])).squashes[0]).toMatch(
      /the database has 99 rows of no other file, and 1 newer than it/,
    );
    const ahead = plan([squash], rows([...replaced, old('0102_ahead', 400)]));
    expect(ahead).toMatchObject({ squashes: [['0100_squash.sql', 100]], unknown: 1 });
  });

  test('a squash file may have the time of the last one that it replaces', () => {
    const same = old('0100_squash', 99, [range('0000_x', '0099_x')]);
    expect(plan([same], rows(replaced)).squashes).toEqual([['0100_squash.sql', 100]]);
    expect(plan([same], rows([same]))).toEqual(clean);
    const edited = rows([same]).map((row) => ({ ...row, hash: 'another' }));
    expect(plan([same], edited)).toEqual({ ...clean, edited: ['0100_squash.sql'] });
  });

  test('counts the files itself where names have times', () => {
    const tag = (index: number) => `2024010100${String(index).padStart(4, '0')}_x`;
    const some = list(3, (index) => old(tag(index), index));
    const file = (count?: number) => old('20240201000000_s', 9, [range(tag(0), tag(2), count)]);
    expect(plan([file(3)], rows(some)).squashes).toEqual([['20240201000000_s.sql', 3]]);
    expect(plan([file()], rows(some)).squashes[0]).toContain('(3 files), if 3 is right');
    expect(plan([file(4)], rows(some)).squashes[0]).toContain('which is 4 migrations');
  });

  test('a later squash file replaces an earlier one, whose number may be one of its own', () => {
    const again = old('0151_squash', 400, [range('0000_x', '0150_x')]);
    const more = list(50, (index) => old(numbered(index + 101), 300 + index));
    const marker = addRanges(nothingReplaced, '0100_squash', [range('0000_x', '0099_x')]);
    expect(plan([again], rows([squash, ...more]), marker).squashes).toEqual([
      ['0151_squash.sql', 51],
    ]);
    const inside = addRanges(nothingReplaced, '0099_x_squash', [range('0000_x', '0099_x')]);
    const all = [squash, old('0100_x', 250), ...more];
    expect(plan([again], rows(all), inside).squashes).toEqual([['0151_squash.sql', 52]]);
    expect(plan([again], rows(all.slice(1)), inside).squashes[0]).toContain(
      'which is 52 migrations',
    );
  });

  test('of plain files, which have no times, is counted as a whole', () => {
    const files = list(3, (index) => named(numbered(index)));
    const file = named('0003_squash', [range('0000_x', '0002_x')]);
    expect(plan([file], rows(files)).squashes).toEqual([['0003_squash.sql', 3]]);
    expect(plan([file], rows(files.slice(1))).squashes[0]).toContain('which is 3 migrations');
    expect(plan([file], rows([file]))).toEqual(clean);
  });

  test('a folder of 0.x finds its rows in a table of 1.x by their times', () => {
    expect(plan([squash], replaced.map(rowOf)).squashes).toEqual([['0100_squash.sql', 100]]);
    expect(plan([squash], [rowOf(squash)])).toEqual(clean);
  });
});

describe('the marker of replaced files', () => {
  const ranges = addRanges(nothingReplaced, '0100_squash', [range('0000_x', '0099_x')]);

  test('is kept in a comment, beside other text, and read again', () => {
    const { comment, sql } = commentSql('plugin_a', "owner: it's shop", ranges);
    expect(comment).toMatch(/^owner: it's shop\nslipway: replaced \{/);
    expect(sql).toContain(
      `comment on table "plugin_a"."__drizzle_migrations" is 'owner: it''s shop`,
    );
    expect(readReplaced(comment)).toEqual(ranges);
    expect(commentSql('plugin_a', comment, ranges).comment).toBe(comment);
    expect(readReplaced('slipway: replaced {nothing')).toEqual(nothingReplaced);
    expect(readReplaced('slipway: replaced {"ranges":[{"from":1}],"forgotten":7}')).toEqual(
      nothingReplaced,
    );
  });

  test('holds a wider range instead of those in it', () => {
    const wider = addRanges(ranges, '0200_squash', [range('0000_x', '0150_x')]);
    expect(wider.ranges).toEqual([{ from: '0000_x', to: '0150_x', by: '0200_squash' }]);
    const behind = addRanges(ranges, '0200_squash', [range('0100_squash', '0150_x')]);
    expect(behind.ranges).toHaveLength(2);
  });

  test('finds the files of an older release by their names, and forgotten ones by name or time', () => {
    const files = [
      old('0050_x', 50),
      old('0050_other', 51),
      old('0101_new', 300),
      old('0007_y', 7),
    ];
    expect(findReplaced(files, ranges).map(({ name }) => name)).toEqual([
      '0050_x.sql',
      '0050_other.sql',
      '0007_y.sql',
    ]);
    const row = rowOf(old('0050_x', 50));
    const forgotten = addForgotten(addForgotten(nothingReplaced, [row]), [row]);
    expect(forgotten.forgotten).toHaveLength(1);
    expect(findReplaced(files, forgotten)).toEqual([{ name: '0050_x.sql' }]);
    expect(findReplaced(files, addForgotten(nothingReplaced, [withoutName(row)]))).toEqual([
      { name: '0050_x.sql' },
    ]);
  });
});
