import { parseArgs } from 'node:util';
import { startPostgres } from 'slipway/testing';
import { isPart, parts, runBench } from './bench.ts';
import { renderTables } from './tables.ts';

const usage = `Usage: npm run bench -- [--only ${parts.join('|')}] [--quick] [--json]`;

interface Flags {
  readonly only?: string[];
  readonly quick: boolean;
  readonly json: boolean;
}

function readFlags(): Flags | undefined {
  try {
    return parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch {
    return undefined;
  }
}

const flags = readFlags();
const { only = [...parts], quick = false, json = false } = flags ?? {};
if (!flags || !only.every(isPart)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  // As a server comes that has data to lose: the starter's own settings would make every commit free.
  const durable = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
  const postgres = await startPostgres({ settings: durable });
  try {
    const result = await runBench({ adminUrl: postgres.url, only, quick });
    console.log(json ? JSON.stringify(result, null, 2) : renderTables(result));
  } finally {
    await postgres.stop();
  }
}
