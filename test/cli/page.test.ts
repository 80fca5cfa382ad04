import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { linkSlipway } from '../../docs/examples/shop/link-slipway.ts';
import { capture } from '../../docs/reference/capture-cli.ts';
import { writeCliPage } from '../../docs/reference/cli-page.ts';
import { useDatabase } from '../support/database.ts';

const db = useDatabase();
beforeAll(linkSlipway);

it('docs/cli.md shows what the commands print now', async () => {
  const { url } = await db.fresh();
  const page = await writeCliPage((call) => capture(call, url));
  const written = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  expect(normalize(page), 'run npm run docs').toEqual(normalize(written));
}, 180_000);

/** The lines of a page, without what is another one each time: durations, bars, the server, the order of what happens side by side. */
function normalize(page: string): readonly string[] {
  return (
    page
      .split('\n')
      // A headline comes once a second, so that a quick machine has none.
      .filter((line) => !/\* critical chain|\(\d+ of \d+ (?:migrated|started|ready)\)$/.test(line))
      .map((line) =>
        line
          .replaceAll(/\d+(?:\.\d+)?(?:ms|s)\b|\d+m \d\ds/g, 'T')
          .replaceAll(/[█▓▒░·*]/g, ' ')
          .replaceAll(/PostgreSQL \d[\d.]*/g, 'PostgreSQL')
          .replaceAll(/the database \w+/g, 'the database')
          .replaceAll(/\d+ (?:connections|are free)/g, 'connections')
          .replaceAll(/[ |-]+/g, ' ')
          .trimEnd(),
      )
      .filter((line) => line !== '')
      .toSorted()
  );
}
