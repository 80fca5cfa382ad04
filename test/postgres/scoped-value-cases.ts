import type { Cases } from './scoped-query-cases.ts';

/** Writes a row of `kinds`, and reads it in each way. */
const roundTrip =
  (row: Readonly<Record<string, unknown>>): Cases[string] =>
  async ({ db, kinds, sql }) => [
    await db
      .insert(kinds)
      .values(row as never)
      .returning(),
    await db.select().from(kinds),
    await db.execute(sql`select * from ${kinds}`),
  ];

const at = new Date('2026-02-28T23:59:59.123Z');

export const values: Cases = {
  'an enum': roundTrip({ mood: 'happy' }),
  arrays: roundTrip({ names: ['a', 'b,c', '"d"', '{}', '', 'null'], numbers: [1, -2] }),
  'empty arrays': roundTrip({ names: [], numbers: [] }),
  'jsonb and json': roundTrip({ data: { a: [1, null, 'ü'], b: {} }, plainData: ['x', { y: 1.5 }] }),
  'json that is a scalar': roundTrip({ data: 'text', plainData: 7 }),
  bytea: roundTrip({ bytes: Buffer.from([0, 1, 255, 92]) }),
  'numeric, bigint and float': roundTrip({
    amount: '12345678901234567890.000100',
    big: 9007199254740993n,
    ratio: 0.1,
  }),
  'not a number': roundTrip({ amount: 'NaN', ratio: Infinity }),
  'boolean and uuid': roundTrip({ isOn: false, code: '0b7a4c1e-6f0c-4a53-9d0c-3f4f3a1c2b1d' }),
  'timestamps in both modes': roundTrip({
    at,
    atText: '2026-02-28 23:59:59.123456',
    zoned: at,
    zonedText: '2026-02-28 23:59:59.5+05',
    day: '2026-02-28',
    lasting: '1 year 2 days 03:04:05',
  }),
  'a custom type': roundTrip({ place: { x: 1, y: -2.5 } }),
  nulls: roundTrip({ mood: null, names: null, data: null, bytes: null, amount: null, at: null }),
  'a text of 5 MB': async ({ db, authors, orm: { eq } }) => {
    const name = 'ä;\'"$$'.repeat(700_000);
    const [added] = await db.insert(authors).values({ name }).returning();
    const [read] = await db
      .select()
      .from(authors)
      .where(eq(authors.id, added?.id ?? 0));
    return [added?.name === name, read?.name === name, name.length];
  },
  'bytes of 5 MB': async ({ db, kinds }) => {
    const bytes = Buffer.alloc(5_000_000, 'a\0ÿ');
    const [added] = await db.insert(kinds).values({ bytes }).returning();
    return [Buffer.compare(added?.bytes ?? Buffer.alloc(0), bytes), bytes.length];
  },
  'pg turns what it is given into parameters': ({ client }) =>
    client.query(
      'select $1::text a, $2::jsonb b, $3::int[] c, $4::timestamptz d, $5::bytea e, $6::text f, $7::bool g',
      [
        1,
        { toJSON: () => ({ x: 1 }) },
        [1, null],
        at,
        Buffer.from('é'),
        { toPostgres: () => 'own' },
        true,
      ],
    ),
};
