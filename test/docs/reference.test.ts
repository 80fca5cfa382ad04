import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatePages, pageUrl } from '../../docs/reference/generate.ts';
import { errorCodes } from '../../src/core/error-codes.ts';
import { bootEventNames } from '../../src/core/event-meanings.ts';
import { httpCodes } from '../../src/http/index.ts';
import { repository, sourceFiles } from '../architecture/imports.ts';
import { pages } from './pages.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const sources = sourceFiles('src', 'machines').map((file) => ({ file, text: read(file) }));

describe('the reference', () => {
  it.each(Object.entries(generatePages()))('%s says what the code says now', (name, text) => {
    expect(readFileSync(pageUrl(name), 'utf8'), 'run npm run docs').toBe(text);
  });
});

describe('the error codes', () => {
  const codes = Object.keys(errorCodes);

  it('are all thrown somewhere: the table promises nothing that never happens', () => {
    const used = sources
      .filter(({ file }) => file !== 'src/core/error-codes.ts')
      .map(({ text }) => text)
      .join();
    expect(codes.filter((code) => !used.includes(`'${code}'`))).toEqual([]);
  });

  it('are all in the guide for those on call', () => {
    const guide = read('docs/operations.md');
    expect(codes.filter((code) => !guide.includes(code))).toEqual([]);
  });

  it('that the pages speak of all exist', () => {
    const prefix =
      /\b(?:OPTIONS|PLUGIN|GRAPH|SERVICE|DEPENDENCY|DEP|PLAN|DATABASE|POOLER|MIGRATION|INIT|READY|STOP|BOOT|RECORDING|INSPECTOR)_[A-Z_]+\b/g;
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(prefix)].map(([code]) => `${page}: ${code}`),
    );
    expect(
      unknown.filter(
        (each) =>
          ![...codes, ...Object.keys(httpCodes), 'DATABASE_URL'].includes(each.replace(/.*: /, '')),
      ),
    ).toEqual([]);
  });
});

describe('the events', () => {
  it('are all told by somebody', () => {
    const text = sources
      .filter(({ file }) => !/^src\/(?:core|telemetry|http)/.test(file))
      .map((source) => source.text)
      .join();
    const templates = /^plugin\.(?:migrate|init|ready|stop)\.finished$/;
    const silent = bootEventNames.filter(
      (name) => !text.includes(`'${name}'`) && !templates.test(name) && name !== 'boot.progress',
    );
    expect(silent).toEqual([]);
  });

  it('that the pages speak of all exist', () => {
    const name =
      /\b(?:boot|phase|graph|plugin\.(?:migrate|init|ready|stop))\.(?:started|waiting|progress|finished|stopping|stopped|sorted|planned|statement|applied|retrying|warning)\b/g;
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(name)]
        .filter(([found]) => !(bootEventNames as readonly string[]).includes(found))
        .map(([found]) => `${page}: ${found}`),
    );
    expect(unknown).toEqual([]);
  });
});
