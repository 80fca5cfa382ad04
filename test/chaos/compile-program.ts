import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';

/** What a replica's process consists of; everything else it has from packages. */
const modules = ['replica-program', 'replica-order', 'releases'];

/**
 * Compiles the program of a replica into a new folder beside the built package, which it imports, and gives its path: a
 * process that compiles TypeScript when it starts takes four times as long, and a round starts up to six.
 */
export async function compileReplicaProgram(): Promise<{ folder: string; program: string }> {
  requireBuiltPackage();
  const folder = await mkdtemp(join(packageRoot, 'dist', 'chaos-'));
  for (const name of modules) {
    const source = await readFile(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(folder, `${name}.js`), outputText);
  }
  return { folder, program: join(folder, 'replica-program.js') };
}
