import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { repository } from '../architecture/imports.ts';

const entries = [
  'src/index.ts',
  'src/checkstack.ts',
  'src/drizzle.ts',
  'src/http/index.ts',
  'src/inspector.ts',
  'src/otel.ts',
  'src/testing/index.ts',
  'machines/index.ts',
].map((entry) => join(repository, entry));

const program = ts.createProgram(entries, {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ESNext,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  types: ['node'],
});
const checker = program.getTypeChecker();

interface PublicName {
  readonly name: string;
  readonly isFunction: boolean;
  readonly text: string;
  readonly tags: readonly string[];
  /** Its optional properties that have no `@default`, when it is the type of options. */
  readonly options: readonly string[];
}

/** Groups of options such as `migrations` are left out by leaving out each option, so theirs are looked at. */
function optionsWithoutDefault(path: string, type: ts.Type): readonly string[] {
  return type.getProperties().flatMap((property) => {
    if ((property.flags & ts.SymbolFlags.Optional) === 0) return [];
    const group = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    const options = group.getProperties();
    const isGroup =
      group.isClassOrInterface() &&
      options.every(({ flags }) => (flags & ts.SymbolFlags.Optional) !== 0);
    const name = `${path}.${property.name}`;
    if (isGroup) return optionsWithoutDefault(name, group);
    return property.getJsDocTags(checker).some((tag) => tag.name === 'default') ? [] : [name];
  });
}

const publicNames = entries.flatMap((entry): readonly PublicName[] => {
  const file = program.getSourceFile(entry);
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`${entry} is no module`);
  return checker.getExportsOfModule(module).map((exported) => {
    const symbol =
      exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    return {
      name: exported.name,
      isFunction: (symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class)) !== 0,
      text: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
      tags: symbol.getJsDocTags(checker).map((tag) => tag.name),
      options: exported.name.endsWith('Options')
        ? optionsWithoutDefault(exported.name, checker.getDeclaredTypeOfSymbol(symbol))
        : [],
    };
  });
});

it('every public name has a docstring', () => {
  expect(publicNames.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
});

it('every public function and class has an example', () => {
  const without = publicNames.filter(
    ({ isFunction, tags }) => isFunction && !tags.includes('example'),
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});

it('every optional option has a default', () => {
  expect(publicNames.flatMap(({ options }) => options)).toEqual([]);
});
