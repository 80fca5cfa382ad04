import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A field or a method of a public type. */
export interface Member {
  readonly name: string;
  readonly isOptional: boolean;
  /** Its type as it is written: `Pool | string`, or `(id: string) => Promise<void>` of a method. */
  readonly type: string;
  readonly text: string;
  /** The text of `@default`. */
  readonly default: string | undefined;
  /** The options of a group of options, such as `migrations`. */
  readonly members: readonly Member[];
}

/** A name that an entry of the package exports. */
export interface PublicName {
  readonly name: string;
  /** The file of its declaration, and the name that it has there. */
  readonly declaredAs: string;
  readonly kind: 'function' | 'class' | 'type' | 'value';
  /** The declaration as it is written, without body and docstrings; empty where {@link members} say it all. */
  readonly code: string;
  readonly text: string;
  readonly throws: readonly string[];
  readonly examples: readonly string[];
  readonly members: readonly Member[];
}

/** What `import … from` an entry of the package gives. */
export interface Entry {
  /** As it is imported: `slipway/testing`. */
  readonly name: string;
  readonly names: readonly PublicName[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Reads every public name of the package from its declarations, entry by entry. Takes seconds: the compiler reads all of it. */
export function readPublicApi(): readonly Entry[] {
  const files = readEntries();
  const program = ts.createProgram([...files.values()], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const reader = new Reader(program.getTypeChecker());
  return [...files].map(([name, path]) => {
    const file = program.getSourceFile(path);
    if (!file) throw new Error(`${path} is no module`);
    return { name, names: reader.readEntry(file) };
  });
}

/** The file of each entry, from the exports of package.json: `dist/src/otel.js` is made of `src/otel.ts`. */
function readEntries(): ReadonlyMap<string, string> {
  const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  return new Map(
    Object.entries(exports).flatMap(([key, target]) =>
      typeof target === 'string'
        ? []
        : [
            [
              key.replace(/^\./, name),
              root + target.default.replace('./dist/', '').replace(/\.js$/, '.ts'),
            ] as const,
          ],
    ),
  );
}

class Reader {
  readonly #checker: ts.TypeChecker;

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  readEntry(file: ts.SourceFile): readonly PublicName[] {
    const module = this.#checker.getSymbolAtLocation(file);
    if (!module) throw new Error(`${file.fileName} exports nothing`);
    return this.#checker.getExportsOfModule(module).map((exported) => this.#readName(exported));
  }

  #readName(exported: ts.Symbol): PublicName {
    const checker = this.#checker;
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    const [declaration] = symbol.declarations ?? [];
    if (!declaration) throw new Error(`${exported.name} is not declared`);
    const kind = kindOf(symbol);
    const tags = symbol.getJsDocTags(checker);
    const members = this.#readMembers(symbol);
    return {
      name: exported.name,
      declaredAs: `${declaration.getSourceFile().fileName}#${symbol.name}`,
      kind,
      code: kind !== 'function' && members.length > 0 ? '' : this.#readCode(exported.name, symbol),
      text: readText(symbol.getDocumentationComment(checker)),
      throws: readTags(tags, 'throws'),
      examples: readTags(tags, 'example'),
      members,
    };
  }

  /** A function without its body, a type as it is written, and of a value its type. */
  #readCode(name: string, symbol: ts.Symbol): string {
    const declarations = symbol.declarations ?? [];
    const isOverloaded = declarations.length > 1;
    return declarations
      .flatMap((node) => {
        if (ts.isFunctionDeclaration(node)) {
          const end = node.body?.getFullStart() ?? node.getEnd();
          return isOverloaded && node.body ? [] : [`${textUntil(node, end).replace(/;$/, '')};`];
        }
        if (ts.isVariableDeclaration(node)) return [this.#readValue(name, node)];
        const text = textUntil(node, node.getEnd());
        return [/\btypeof\b/.test(text) ? this.#readUnion(name, symbol) : text];
      })
      .join('\n');
  }

  /** The members of a union that is made from a value. */
  #readUnion(name: string, symbol: ts.Symbol): string {
    const style: ts.TypeFormatFlags =
      ts.TypeFormatFlags.InTypeAlias | ts.TypeFormatFlags.NoTruncation;
    const type = this.#checker.getDeclaredTypeOfSymbol(symbol);
    return `type ${name} = ${this.#checker.typeToString(type, undefined, style)};`;
  }

  #readValue(name: string, node: ts.VariableDeclaration): string {
    const type = this.#checker.getTypeAtLocation(node);
    const signature = type.getCallSignatures()[0];
    const text = signature
      ? this.#checker.signatureToString(signature)
      : (node.type?.getText() ?? shortened(this.#checker.typeToString(type)));
    return `const ${name}: ${text};`;
  }

  /** Those of an interface, a class, or a type that is an object; of a union there are none. */
  #readMembers(symbol: ts.Symbol): readonly Member[] {
    const [declaration] = symbol.declarations ?? [];
    if (declaration && ts.isVariableDeclaration(declaration)) {
      return this.#readObject(this.#checker.getTypeAtLocation(declaration));
    }
    if (declaration && ts.isFunctionDeclaration(declaration))
      return this.#readDefinition(declaration);
    const isObject =
      declaration &&
      (ts.isInterfaceDeclaration(declaration) ||
        ts.isClassDeclaration(declaration) ||
        (ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type)));
    if (!isObject) return [];
    return this.#readProperties(this.#checker.getDeclaredTypeOfSymbol(symbol));
  }

  /** What a function such as `definePlugin` makes its value of. */
  #readDefinition({ parameters: [parameter] }: ts.FunctionDeclaration): readonly Member[] {
    if (parameter?.name.getText() !== 'definition') return [];
    return this.#readProperties(this.#checker.getTypeAtLocation(parameter));
  }

  /** Those of a value that is an object of a few. */
  #readObject(type: ts.Type): readonly Member[] {
    const isObject = (type.symbol?.flags & ts.SymbolFlags.ObjectLiteral) !== 0;
    const members = isObject ? this.#readProperties(type) : [];
    return members.length > 12 ? [] : members;
  }

  #readProperties(type: ts.Type): readonly Member[] {
    return inOrder(type.getProperties()).flatMap((property) => {
      const [declaration] = property.declarations ?? [];
      if (!declaration || !isOurs(declaration) || isHidden(declaration)) return [];
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      return {
        name: nameOf(property, declaration),
        isOptional,
        type: this.#typeOf(property, declaration),
        text: readText(property.getDocumentationComment(this.#checker)),
        default: readTags(property.getJsDocTags(this.#checker), 'default')[0],
        members: this.#readGroup(property),
      };
    });
  }

  /** The options of a group such as `migrations`, or of one that may also be `true`. */
  #readGroup(property: ts.Symbol): readonly Member[] {
    const type = this.#checker.getNonNullableType(this.#checker.getTypeOfSymbol(property));
    const group = (type.isUnion() ? type.types : [type]).find(
      (each) => each.isClassOrInterface() && /(?:Options|Timeouts|Retry)$/.test(each.symbol.name),
    );
    return group ? this.#readProperties(group) : [];
  }

  #typeOf(property: ts.Symbol, declaration: ts.Declaration): string {
    if (ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration)) {
      if (declaration.type) return declaration.type.getText();
    }
    const isOnlyOne = property.declarations?.length === 1;
    if (isOnlyOne && (ts.isMethodSignature(declaration) || ts.isMethodDeclaration(declaration))) {
      return arrowOf(declaration);
    }
    const type = this.#checker.getTypeOfSymbol(property);
    const signatures = this.#checker.getSignaturesOfType(type, ts.SignatureKind.Call);
    if (signatures.length === 0) return this.#checker.typeToString(type);
    const style: ts.TypeFormatFlags =
      ts.TypeFormatFlags.WriteArrowStyleSignature | ts.TypeFormatFlags.NoTruncation;
    return signatures
      .map((signature) => this.#checker.signatureToString(signature, undefined, style))
      .join(' & ');
  }
}

/** As they are written: those of the type's own file before those of a type that it extends. */
function inOrder(properties: readonly ts.Symbol[]): readonly ts.Symbol[] {
  const fileOf = (each: ts.Symbol): string =>
    each.declarations?.[0]?.getSourceFile().fileName ?? '';
  const files = [...new Set(properties.map(fileOf))];
  return properties.toSorted(
    (a, b) =>
      files.indexOf(fileOf(a)) - files.indexOf(fileOf(b)) ||
      (a.declarations?.[0]?.pos ?? 0) - (b.declarations?.[0]?.pos ?? 0),
  );
}

/** A method as the type of a function, as it is written. */
function arrowOf(method: ts.MethodSignature | ts.MethodDeclaration): string {
  const list = (nodes: readonly ts.Node[] = []): string =>
    nodes.map((node) => textUntil(node, node.getEnd())).join(', ');
  const types = method.typeParameters ? `<${list(method.typeParameters)}>` : '';
  return `${types}(${list(method.parameters)}) => ${method.type?.getText() ?? 'void'}`;
}

function kindOf({ flags }: ts.Symbol): PublicName['kind'] {
  if (flags & ts.SymbolFlags.Class) return 'class';
  if (flags & ts.SymbolFlags.Function) return 'function';
  return flags & ts.SymbolFlags.Value ? 'value' : 'type';
}

/** What a class of Node or of a library adds is in its own reference. */
function isOurs(declaration: ts.Declaration): boolean {
  return !declaration.getSourceFile().fileName.includes('/node_modules/');
}

/** A key that is a symbol has a number in the compiler, which is not the same tomorrow. */
function nameOf(property: ts.Symbol, declaration: ts.Declaration): string {
  const isSymbol = property.name.startsWith('__@');
  return isSymbol ? (ts.getNameOfDeclaration(declaration)?.getText() ?? '') : property.name;
}

/** What is private, and what has a symbol of ours as its key. */
function isHidden(declaration: ts.Declaration): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Static;
  const name = ts.getNameOfDeclaration(declaration);
  return (
    (ts.getCombinedModifierFlags(declaration) & hidden) !== 0 ||
    (name !== undefined && (ts.isPrivateIdentifier(name) || /^\[(?!Symbol\.)/.test(name.getText())))
  );
}

/** The text of a docstring, with `{@link name}` as a name in code. */
function readText(parts: ts.SymbolDisplayPart[]): string {
  return ts.displayPartsToString(parts).replaceAll(/\{@link ([^}]+)\}/g, '`$1`');
}

function readTags(tags: readonly ts.JSDocTagInfo[], wanted: string): readonly string[] {
  return tags.filter(({ name }) => name === wanted).map(({ text = [] }) => readText(text));
}

/** The text of a declaration up to a place in its file, without docstrings. */
function textUntil(node: ts.Node, end: number): string {
  const file = node.getSourceFile();
  return file.text
    .slice(node.getStart(file), end)
    .replaceAll(/\/\*\*[^]*?\*\/\s*/g, '')
    .replace(/^export (?:async )?/, '')
    .trim();
}

/** The name alone of a type with many parts: `StateMachine<…>`. */
function shortened(text: string): string {
  return text.length > 100 ? text.replace(/([<{])[^]*([>}])/, '$1 … $2') : text;
}
