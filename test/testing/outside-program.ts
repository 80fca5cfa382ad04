import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { PLATFORM_PACKAGE, resolveBinaryPackage } from '../../src/testing/package-binaries.ts';

const SOURCE = fileURLToPath(new URL('../../src/testing/', import.meta.url));

/** A project outside of this one, which every user of the machine may read. */
export interface OutsideProject {
  readonly root: string;
  /** Runs an ES module text in the project, with `startPostgres` at hand. */
  run(program: string, options?: RunOptions): ChildProcess;
  /** Kills what still runs, and removes the project. */
  remove(): Promise<void>;
}

/** As whom, and with what around it. */
export interface RunOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Makes one with the starter as plain JavaScript, and the binaries as npm leaves them without install scripts. */
export async function makeOutsideProject(): Promise<OutsideProject> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-outside-'));
  await chmod(root, 0o755);
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await installStarter(join(root, 'starter'));
  await installBinaries(join(root, 'node_modules', PLATFORM_PACKAGE));
  const children: ChildProcess[] = [];
  return {
    root,
    run(program, { env = {}, ...identity } = {}) {
      const imported = `import { startPostgres } from './starter/start-postgres.js';`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', imported + program], {
        ...identity,
        cwd: root,
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      return child;
    },
    async remove() {
      for (const child of children) child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** The first line a program prints; rejects when it ends without one. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('This program has no stdout');
  const lines = createInterface(child.stdout);
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`The program ended with ${code} before it printed a line`);
  });
  const [line]: unknown[] = await Promise.race([once(lines, 'line'), ended]);
  ended.catch(() => undefined);
  return String(line);
}

async function installStarter(folder: string): Promise<void> {
  await mkdir(folder);
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  };
  const files = await readdir(SOURCE, { withFileTypes: true });
  for (const { name } of files.filter((file) => file.isFile())) {
    const text = await readFile(join(SOURCE, name), 'utf8');
    const { outputText } = ts.transpileModule(text, { compilerOptions });
    await writeFile(join(folder, name.replace(/\.ts$/, '.js')), outputText);
  }
}

async function installBinaries(folder: string): Promise<void> {
  const installed = resolveBinaryPackage([import.meta.url]);
  if (installed === undefined) throw new Error(`${PLATFORM_PACKAGE} is not installed`);
  await cp(dirname(installed.native), folder, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
  });
  // The links are made by an install script.
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(entry.parentPath, entry.name));
  }
}
