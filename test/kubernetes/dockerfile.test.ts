import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Copy, From, Instruction, JSONInstruction } from 'dockerfile-ast';
import { expect, it } from 'vitest';
import { readDockerfile } from './image.ts';
import { exampleFolder } from './manifests.ts';

const instructions = await readDockerfile(exampleFolder);
const all = (keyword: string): readonly Instruction[] =>
  instructions.filter((each) => each.getKeyword() === keyword);
const words = (each: Instruction | undefined): readonly string[] =>
  each?.getArguments().map((argument) => argument.getValue()) ?? [];

it('every stage begins with an earlier one, or with one exact version of a slim image', () => {
  const names = new Set<string | null>();
  const bases = new Set<string | null>();
  for (const from of all('FROM') as From[]) {
    if (!names.has(from.getImage())) bases.add(from.getImage());
    names.add(from.getBuildStage());
  }
  expect([...bases]).toEqual([expect.stringMatching(/^node:\d+\.\d+\.\d+-\w+-slim$/)]);
});

it('every source of a COPY exists, but for the lock file that npm writes', () => {
  const sources = (all('COPY') as Copy[])
    .filter((copy) => !copy.getFromFlag())
    .flatMap((copy) => words(copy).slice(0, -1));
  expect(sources).toContain('package-lock.json');
  for (const source of sources) {
    if (source === 'package-lock.json') continue;
    expect(existsSync(join(exampleFolder, source)), source).toBe(true);
  }
});

it('the process runs by number as a user that is not root, and gets its signals itself', () => {
  expect(words(all('USER').at(-1))).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
  for (const keyword of ['ENTRYPOINT', 'CMD']) {
    const [only, ...others] = all(keyword) as JSONInstruction[];
    expect(others).toEqual([]);
    expect(only?.getOpeningBracket(), `the exec form of ${keyword}`).not.toBeNull();
  }
  expect(words(all('ENTRYPOINT')[0]).join('')).toBe('["node"]');
});
