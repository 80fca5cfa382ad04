import { expect, it } from 'vitest';
import { readPublicApi, type Member } from '../../docs/reference/public-api.ts';

const names = readPublicApi().flatMap(({ name: entry, names: all }) =>
  all.map((each) => ({ entry, ...each })),
);

/** The options of a name, with those of its groups: `BootOptions.migrations.mode`. */
function listOptions(path: string, members: readonly Member[]): readonly Member[] {
  return members.flatMap((member) => {
    const name = `${path}.${member.name}`;
    return [{ ...member, name }, ...listOptions(name, member.members)];
  });
}

const options = names
  .filter(({ name, kind }) => name.endsWith('Options') || kind === 'function')
  .flatMap(({ name, members }) => listOptions(name, members));

it('every public name has a docstring', () => {
  expect(names.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
});

it('every public function and class has an example', () => {
  const isCalled = /^(?:function|class)$/;
  const without = names.filter(({ kind, examples }) => isCalled.test(kind) && !examples[0]);
  expect(without.map(({ name }) => name)).toEqual([]);
});

it('every option says what it is, and has a default when it may be left out', () => {
  expect(options.length).toBeGreaterThan(100);
  expect(options.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
  const without = options.filter(
    (each) => each.isOptional && each.default === undefined && each.members.length === 0,
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});
