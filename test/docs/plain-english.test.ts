import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository, sourceFiles } from '../architecture/imports.ts';
import { pages, programs } from './pages.ts';

/** Words that hide who does what, each with what to write instead. */
const worstWords: ReadonlyMap<RegExp, string> = new Map([
  [/\bunless told\b/i, '@default, or "by default"'],
  [/\bwhoever\b/i, 'the caller, the plugin, another process'],
  [/\b(?:some|every|any)body\b/i, 'another replica, the caller, every plugin'],
  [/\bnobody\b/i, 'no plugin, no listener, not provided'],
  [/(?<!['-])\b(?:he|him|his)\b/i, 'it, its, or the noun'],
  [/\b(?:is|are|was|were|be|been|being) told\b(?! apart)/i, 'is reported, is logged'],
  [/\btells\b/i, 'reports, returns, emits, shows'],
  [/\bswitched off\b/i, 'disabled'],
]);

/** In this file `nobody` is a user of the system. */
const exempt = new Set(['src/testing/guarded-process.ts']);

const files = [...sourceFiles('src', 'machines'), ...programs, ...pages].filter(
  (file) => !exempt.has(file),
);

const hits = files.flatMap((file) =>
  readFileSync(join(repository, file), 'utf8')
    .split('\n')
    .flatMap((text, index) =>
      [...worstWords]
        .filter(([word]) => word.test(text))
        .map(
          ([word, better]) => `${file}:${index + 1} has "${word.exec(text)?.[0]}": write ${better}`,
        ),
    ),
);

describe('plain English', () => {
  it('has no word that hides who does what', () => {
    expect(hits).toEqual([]);
  });
});
