import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../support/built-package.ts';
import { renderMarkdown } from './columns.ts';
import { fillBlock } from './page.ts';

test('new figures replace the old ones, and leave the text around them', () => {
  const page = 'Before\n\n<!-- bench: loops -->\n\nold\n\n<!-- bench end -->\n\nAfter\n';
  const once = fillBlock(page, 'loops', 'new');
  expect(once).toBe('Before\n\n<!-- bench: loops -->\n\nnew\n\n<!-- bench end -->\n\nAfter\n');
  expect(fillBlock(once, 'loops', 'new')).toBe(once);
  expect(() => fillBlock(page, 'hoops', 'new')).toThrow('no block for hoops');
});

test('the page of the figures has a place for each comparison', () => {
  const page = readFileSync(join(packageRoot, 'docs/performance.md'), 'utf8');
  for (const name of ['migrators', 'orchestrators', 'init', 'queries']) {
    expect(fillBlock(page, name, 'figures')).toContain('figures');
  }
});

test('a table of a page is aligned as the formatter does it', () => {
  const rows = [
    ['contender', 'time'],
    ['a loop', '7 ms'],
    ['Slipway', '12.3 ms'],
  ];
  expect(renderMarkdown({ title: 'Boots', rows, notes: [] })).toEqual([
    '**Boots**',
    '',
    '| contender |    time |',
    '| --------- | ------: |',
    '| a loop    |    7 ms |',
    '| Slipway   | 12.3 ms |',
  ]);
});
