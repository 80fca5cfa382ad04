import { parseArgs } from 'node:util';
import { startPostgres } from 'slipway/testing';
import { isPart, parts, runBench } from './bench.ts';
import { updatePage } from './page.ts';
import { renderTables } from './tables.ts';

const usage = `Usage: npm run bench -- [--only ${parts.join('|')}] [--quick] [--json|--markdown] [--page] [--backstage]

  --only       measures this part; may be given more than once
  --quick      runs everything once and small, to see that it works
  --json       prints every figure
  --markdown   prints the tables for a page
  --page       writes the tables of migrators, orchestrators, init and queries into docs/performance.md as well; not with --quick
  --backstage  installs @backstage/backend-app-api (42 MB) into node_modules/.cache, once, for the orchestrators`;

interface Flags {
  readonly only?: string[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly markdown: boolean;
  readonly page: boolean;
  readonly backstage: boolean;
}

function readFlags(): Flags | undefined {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        quick: flag,
        json: flag,
        markdown: flag,
        page: flag,
        backstage: flag,
      },
    }).values;
  } catch {
    return undefined;
  }
}

const flags = readFlags();
const only = flags?.only ?? [...parts];
// The figures of a quick run mean nothing.
if (!flags || !only.every(isPart) || (flags.quick && flags.page)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const { quick, json, markdown, page, backstage } = flags;
  // As a server comes that has data to lose: the starter's own settings would make every commit free.
  const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
  const postgres = await startPostgres({ settings: durable });
  try {
    const result = await runBench({
      adminUrl: postgres.url,
      only,
      quick,
      installBackstage: backstage,
    });
    const format = markdown ? 'markdown' : 'text';
    console.log(json ? JSON.stringify(result, null, 2) : renderTables(result, format));
    if (page) await updatePage(result);
  } finally {
    await postgres.stop();
  }
}
