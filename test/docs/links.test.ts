import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../architecture/imports.ts';
import { pages } from './pages.ts';

interface Link {
  readonly page: string;
  /** The path from the repository. */
  readonly target: string;
  readonly anchor: string | undefined;
}

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Code is no text: what looks like a link in it is none. */
const withoutCode = (text: string): string => text.replaceAll(/```[^]*?```|`[^`\n]*`/g, '');

const links = pages.flatMap((page): readonly Link[] =>
  [...withoutCode(read(page)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(
    ([, path = '', anchor]) => ({
      page,
      target: path === '' ? page : join(page, '..', path),
      anchor,
    }),
  ),
);

/** The anchors of a page, as GitHub makes them of its headings: two of one name get -1, -2. */
function readAnchors(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = read(page)
    .replaceAll(/```[^]*?```/g, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) => {
      const text = heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .trim()
        .toLowerCase();
      const slug = text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
      const before = seen.get(slug) ?? 0;
      seen.set(slug, before + 1);
      return before === 0 ? slug : `${slug}-${before}`;
    }),
  );
}

describe('the links of the pages', () => {
  it('are many', () => {
    expect(links.length).toBeGreaterThan(300);
    expect(links.filter(({ anchor }) => anchor !== undefined).length).toBeGreaterThan(50);
  });

  it('lead to a file', () => {
    const broken = links.filter(({ target }) => !existsSync(join(repository, target)));
    expect(broken).toEqual([]);
  });

  it('lead to a heading of that page', () => {
    const broken = links.filter(
      ({ target, anchor }) =>
        anchor !== undefined && target.endsWith('.md') && !readAnchors(target).has(anchor),
    );
    expect(broken).toEqual([]);
  });
});

describe('the commands for contributors', () => {
  it('are scripts of the package', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: object };
    const named = ['README.md', 'CONTRIBUTING.md'].flatMap((page) =>
      [...read(page).matchAll(/npm run ([\w:]+)/g)].map(([, script = '']) => script),
    );
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});
