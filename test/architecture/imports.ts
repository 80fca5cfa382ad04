import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

export interface Import {
  /** Both relative to the repository; a package keeps its name. */
  readonly from: string;
  readonly to: string;
  /** Erased by the compiler. */
  readonly isTypeOnly: boolean;
  /** Loaded when the call runs, not with the file. */
  readonly isDynamic: boolean;
}

/** Every source file of the library. */
export function sourceFiles(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.tsx?$/.test(name))
      .map((name) => join(folder, name)),
  );
}

/** The statements of a file that are no re-exports by name. */
export function otherThanReExports(file: string): readonly string[] {
  return parse(file)
    .statements.filter(
      (statement) =>
        !ts.isExportDeclaration(statement) ||
        !statement.moduleSpecifier ||
        !statement.exportClause ||
        !ts.isNamedExports(statement.exportClause),
    )
    .map((statement) => statement.getText());
}

function parse(file: string): ts.SourceFile {
  const text = readFileSync(join(repository, file), 'utf8');
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
}

/** Every import and re-export of a file, dynamic ones included. */
export function importsOf(file: string): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean, isDynamic = false): void => {
    if (!specifier || !ts.isStringLiteral(specifier)) return;
    found.push({ from: file, to: resolve(file, specifier.text), isTypeOnly, isDynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

function resolve(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return relative(repository, join(repository, dirname(file), specifier));
}
