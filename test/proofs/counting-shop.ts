import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeShop, type Shop } from '../boot/repeatable-fixture.ts';

/** Each run leaves a row. */
const counted = (round: number, command: string): string =>
  `INSERT INTO runs VALUES (${round});\n--> statement-breakpoint\n${command}`;

const texts = (round: number) => ({
  'a.sql': counted(round, `CREATE OR REPLACE VIEW a AS SELECT round, ${round} AS last FROM runs;`),
  'b.sql': counted(
    round,
    `CREATE OR REPLACE FUNCTION b() RETURNS int LANGUAGE sql AS 'SELECT ${round}';`,
  ),
});

/** A plugin with two repeatable files that count their runs, in their round 0. */
export function makeCountingShop(id: string): Promise<Shop> {
  return makeShop(texts(0), { '0000_runs': 'CREATE TABLE runs (round int);' }, id);
}

/** Gives both files other texts. */
export async function setRound({ views }: Shop, round: number): Promise<void> {
  for (const [name, text] of Object.entries(texts(round))) await writeFile(join(views, name), text);
}
