/** Makes the JSON Schemas of recordings and of the command line's documents from their types and docstrings. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { bootEventNames, eventMeanings } from '../../src/core/event-meanings.ts';
import type { BootEventName } from '../../src/core/events.ts';

/** The parts of JSON Schema that a recording needs. */
export interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: 'string' | 'number' | 'boolean' | 'array' | 'object';
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** The values of an object whose names are not known before. */
  readonly additionalProperties?: Schema;
}

/** The schema of one line, with the kinds of lines and their parts by name. */
export interface RecordingSchema extends Schema {
  readonly $schema: string;
  readonly title: string;
  readonly anyOf: readonly Schema[];
  readonly $defs: Readonly<Record<string, Schema>>;
}

/** A longer list, such as that of the error codes, gets new values with each release. */
const longestList = 20;
const recordingFile = fileURLToPath(new URL('../../src/insight/recording.ts', import.meta.url));
const documentsFile = fileURLToPath(new URL('../../src/cli/documents.ts', import.meta.url));
const configFile = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));

/** Other fields and other types of lines are valid too, so that a reader outlives a newer writer. */
export function makeRecordingSchema(): RecordingSchema {
  const { checker, declared } = readTypes(recordingFile);
  const writer = new SchemaWriter(checker);
  const header = writer.describe(declared('RecordingHeader'));
  const lines = declared('RecordingLine');
  if (!lines.isUnion()) throw new Error('RecordingLine is no union');
  const refs = lines.types
    .toSorted((one, other) => writer.place(one) - writer.place(other))
    .map((line) => writer.addLine(line));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'slipway-recording/1',
    description: 'One line of the recording of a boot: its header, or a line behind it.',
    anyOf: [header, ...refs],
    $defs: writer.definitions,
  };
}

/** Makes the JSON Schema of the documents that the command line prints, each under the name of its type. */
export function makeDocumentSchema(): RecordingSchema {
  const { checker, declared } = readTypes(documentsFile);
  const writer = new SchemaWriter(checker);
  const documents = declared('CommandDocument');
  if (!documents.isUnion()) throw new Error('CommandDocument is no union');
  const refs = documents.types.map((document) => writer.addDocument(document));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'slipway --json',
    description: 'A document that a command of slipway prints with --json; "format" says which.',
    anyOf: refs,
    $defs: writer.definitions,
  };
}

/** Asks the compiler for the types that a file declares. */
function readTypes(file: string) {
  const { config } = ts.readConfigFile(configFile, (path) => readFileSync(path, 'utf8')) as {
    readonly config: { readonly compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, '.');
  const program = ts.createProgram([file], { ...options, types: [] });
  const checker = program.getTypeChecker();
  const declared = (name: string): ts.Type => {
    const found = program
      .getSourceFile(file)
      ?.statements.find(
        (node) =>
          (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) &&
          node.name.text === name,
      );
    if (!found) throw new Error(`${file} declares no ${name}`);
    return checker.getTypeAtLocation(found);
  };
  return { checker, declared };
}

class SchemaWriter {
  readonly #checker: ts.TypeChecker;
  readonly #definitions = new Map<string, Schema>();

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  get definitions(): Readonly<Record<string, Schema>> {
    return Object.fromEntries(this.#definitions);
  }

  /** Events come in the order of their table, then the other lines. */
  place(line: ts.Type): number {
    const at = bootEventNames.indexOf(this.#nameLine(line) as BootEventName);
    return at < 0 ? bootEventNames.length : at;
  }

  /** Adds a kind of line under the value of its `type`. */
  addLine(line: ts.Type): Schema {
    const name = this.#nameLine(line);
    const meaning = eventMeanings[name as BootEventName] as string | undefined;
    return this.#define(name, () => ({
      ...(meaning !== undefined && { description: meaning }),
      ...this.#describeObject(line),
    }));
  }

  /** Adds a document under the value of its `format`. */
  addDocument(document: ts.Type): Schema {
    const format = document.getProperty('format');
    const name = format && this.#checker.getTypeOfSymbol(format);
    if (!name?.isStringLiteral()) throw new Error('A document has one format');
    const text = ts.displayPartsToString(
      document.getSymbol()?.getDocumentationComment(this.#checker),
    );
    // A slash would end the name in a reference.
    return this.#define(name.value.replace('/', '-'), () => ({
      ...(text !== '' && { description: text }),
      ...this.#describeObject(document),
    }));
  }

  #nameLine(line: ts.Type): string {
    const property = line.getProperty('type');
    const name = property && this.#checker.getTypeOfSymbol(property);
    if (!name?.isStringLiteral()) throw new Error('A line has one type');
    return name.value;
  }

  describe(type: ts.Type): Schema {
    const { flags } = type;
    if (
      flags & ts.TypeFlags.BooleanLike &&
      !type.isLiteral() &&
      !(flags & ts.TypeFlags.BooleanLiteral)
    )
      return { type: 'boolean' };
    if (flags & ts.TypeFlags.BooleanLiteral)
      return { const: this.#checker.typeToString(type) === 'true' };
    if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
    if (flags & ts.TypeFlags.String) return { type: 'string' };
    if (flags & ts.TypeFlags.Number) return { type: 'number' };
    if (type.isUnion()) return this.#describeUnion(type);
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return item ? { type: 'array', items: this.describe(item) } : { type: 'array' };
    }
    const name = nameObject(type, this.#checker);
    if (name === undefined) return this.#describeObject(type);
    return this.#define(name, () => this.#describeObject(type));
  }

  #describeUnion(type: ts.UnionType): Schema {
    const types = type.types.filter(({ flags }) => !(flags & ts.TypeFlags.Undefined));
    const [only] = types;
    if (only && types.length === 1) return this.describe(only);
    if (types.every(({ flags }) => flags & ts.TypeFlags.BooleanLiteral)) return { type: 'boolean' };
    const texts = types.flatMap((each) => (each.isStringLiteral() ? [each.value] : []));
    if (texts.length === types.length) {
      return texts.length > longestList ? { type: 'string' } : { enum: texts.toSorted() };
    }
    return { anyOf: types.map((each) => this.describe(each)) };
  }

  #describeObject(type: ts.Type): Schema {
    const fields = this.#checker.getPropertiesOfType(type);
    const byName = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (byName && fields.length === 0) {
      return { type: 'object', additionalProperties: this.describe(byName.type) };
    }
    const described = fields.map((field) => {
      const text = ts.displayPartsToString(field.getDocumentationComment(this.#checker));
      const schema = this.describe(this.#checker.getTypeOfSymbol(field));
      const description = text.replaceAll(/\s+/g, ' ');
      return [field.name, { ...(description !== '' && { description }), ...schema }] as const;
    });
    const isRequired = ({ flags }: ts.Symbol): boolean => !(flags & ts.SymbolFlags.Optional);
    return {
      type: 'object',
      properties: Object.fromEntries(described.toSorted(byPlace)),
      required: fields.filter(isRequired).map(({ name }) => name),
    };
  }

  /** A type may have itself as a part, so its name is known before its fields. */
  #define(name: string, write: () => Schema): Schema {
    if (!this.#definitions.has(name)) {
      this.#definitions.set(name, {});
      this.#definitions.set(name, write());
    }
    return { $ref: `#/$defs/${name}` };
  }
}

const stamp = ['seq', 't', 'type'];

/** As in a line: the stamp first. */
function byPlace([one]: readonly [string, Schema], [other]: readonly [string, Schema]): number {
  return place(one) - place(other);
}

function place(field: string): number {
  const at = stamp.indexOf(field);
  return at < 0 ? stamp.length : at;
}

/**
 * The interface that has declared or inherited all fields of a type, and no other field: `Plain<LockHolder>` is a
 * `LockHolder`.
 */
function nameObject(type: ts.Type, checker: ts.TypeChecker): string | undefined {
  const declare = (each: ts.Type): readonly unknown[] =>
    each.getProperties().map((field) => field.declarations?.[0]);
  const declared = declare(type);
  const owners = type.getProperties().map((field) => field.declarations?.[0]?.parent);
  return owners
    .filter((owner) => owner !== undefined && ts.isInterfaceDeclaration(owner))
    .find((owner) => {
      const own = declare(checker.getTypeAtLocation(owner));
      return own.length === declared.length && own.every((each) => declared.includes(each));
    })?.name.text;
}
