import { parseArgs } from 'node:util';
import { startPostgres } from 'slipway/testing';
import { parts, runBench, type Part } from './bench.ts';
import { renderTables } from './tables.ts';

const usage = `npm run bench -- [--only ${parts.join('|')}] [--quick] [--json]`;

interface Request {
  readonly only: readonly Part[];
  readonly quick: boolean;
  readonly json: boolean;
}

function readRequest(): Request {
  const { only = [], quick, json } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  }).values;
  const known = only.map((name) => parts.find((part) => part === name));
  if (known.includes(undefined)) throw new TypeError(`Expected --only to be ${parts.join(', ')}`);
  const chosen = known.filter((part) => part !== undefined);
  return { only: chosen.length > 0 ? chosen : parts, quick, json };
}

async function main({ only, quick, json }: Request): Promise<void> {
  const postgres = await startPostgres();
  try {
    const result = await runBench({ adminUrl: postgres.url, only, quick });
    console.log(json ? JSON.stringify(result, null, 2) : renderTables(result));
  } finally {
    await postgres.stop();
  }
}

try {
  await main(readRequest());
} catch (error) {
  const isUsage = error instanceof TypeError;
  console.error(isUsage ? `${error.message}\n${usage}` : error);
  process.exitCode = isUsage ? 2 : 1;
}
