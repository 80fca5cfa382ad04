import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../support/built-package.ts';
import type { BenchResult } from './bench.ts';
import { renderMarkdown, type Table } from './columns.ts';
import { contenderTables } from './contender-tables.ts';
import { initTables } from './init-tables.ts';
import { queryTables } from './query-tables.ts';
import { describeMachine } from './tables.ts';

const path = join(packageRoot, 'docs/performance.md');

/** Puts the figures into the page, and leaves those as they are that were not measured. */
export async function updatePage(result: BenchResult): Promise<void> {
  const { migrators, orchestrators } = contenderTables(result);
  const queries = queryTables(result);
  const init = initTables(result);
  const measured = Object.entries({ migrators, orchestrators, init, queries }).filter(
    ([, tables]) => tables.length > 0,
  );
  let page = await readFile(path, 'utf8');
  for (const [name, tables] of measured) {
    page = fillBlock(page, name, [describeMachine(result), ...tables.map(render)].join('\n\n'));
  }
  await writeFile(path, page);
}

/** Replaces what is between `<!-- bench: name -->` and `<!-- bench end -->`. */
export function fillBlock(page: string, name: string, text: string): string {
  const start = `<!-- bench: ${name} -->\n`;
  const from = page.indexOf(start);
  const to = page.indexOf('<!-- bench end -->', from);
  if (from < 0 || to < 0) throw new Error(`docs/performance.md has no block for ${name}`);
  return `${page.slice(0, from + start.length)}\n${text}\n\n${page.slice(to)}`;
}

function render(table: Table): string {
  return renderMarkdown(table).join('\n');
}
