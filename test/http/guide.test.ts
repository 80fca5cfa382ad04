import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { httpCodes } from '../../src/http/index.ts';
import { repository } from '../architecture/imports.ts';

const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
const guide = read('docs/http.md');

describe('the guide to HTTP', () => {
  it('has every code with its message, and no other', () => {
    const rows = [...guide.matchAll(/^\| `([A-Z_]+)` +\| ([^|]*?) +\|$/gm)];
    expect(Object.fromEntries(rows.map(([, code, message]) => [code, message]))).toEqual(httpCodes);
  });
});
