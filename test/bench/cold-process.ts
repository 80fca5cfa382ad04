import { transform } from 'oxc-transform';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';
import type { ColdOrder, ColdTimes } from './contenders/order.ts';
import { sampleOf, type Sample } from './measure.ts';

/** One process, seen from itself and from outside. */
export interface ColdRun extends ColdTimes {
  /** From the moment before it was started to the moment after it had ended, in ms. */
  readonly processMs: number;
  /** What the server did for it, in ms. */
  readonly serverCpuMs?: number;
}

/** What the processes of one contender took. */
export interface ColdSample {
  /** From the start of the process until all is ready. */
  readonly ready: Sample;
  /** The part of it in which the contender's packages were imported. */
  readonly imports: Sample;
  /** The part of it after that. */
  readonly boot: Sample;
  /** From start to end, with what has to be stopped. */
  readonly process: Sample;
  /** The mean CPU time of the process until it is ready, in ms. */
  readonly clientCpuMs: number;
  /** The mean CPU time of the server, in ms. */
  readonly serverCpuMs?: number;
}

/** Carries out an order in a process of its own. */
export type RunCold = (order: ColdOrder) => Promise<ColdRun>;

/** Compiles the contenders, so that no process compiles anything, for as long as `use` runs. */
export async function withColdProcesses<Result>(
  use: (runCold: RunCold) => Promise<Result>,
): Promise<Result> {
  requireBuiltPackage();
  // Inside the package, so that they import it by its name, as a host does.
  const compiled = await mkdtemp(join(packageRoot, 'dist/bench-'));
  try {
    await compile(['shapes.ts', ...(await contenderFiles())], compiled);
    return await use((order) => runCold(join(compiled, 'contenders/program.js'), order));
  } finally {
    await rm(compiled, { recursive: true, force: true });
  }
}

export function summarize(runs: readonly ColdRun[]): ColdSample {
  const sample = (read: (run: ColdRun) => number): Sample => sampleOf(runs.map(read));
  const serverCpu = runs.flatMap(({ serverCpuMs }) => serverCpuMs ?? []);
  return {
    ready: sample(({ readyAt }) => readyAt),
    imports: sample(({ importingAt, importedAt }) => importedAt - importingAt),
    boot: sample(({ importedAt, readyAt }) => readyAt - importedAt),
    process: sample(({ processMs }) => processMs),
    clientCpuMs: mean(runs.map(({ cpuMs }) => cpuMs)),
    ...(serverCpu.length > 0 && { serverCpuMs: mean(serverCpu) }),
  };
}

const sources = fileURLToPath(new URL('.', import.meta.url));

async function contenderFiles(): Promise<readonly string[]> {
  const names = await readdir(join(sources, 'contenders'));
  return names.map((name) => join('contenders', name));
}

async function compile(files: readonly string[], folder: string): Promise<void> {
  for (const file of files) {
    const { code, errors } = await transform(file, await readFile(join(sources, file), 'utf8'), {
      typescript: { onlyRemoveTypeImports: true, rewriteImportExtensions: 'rewrite' },
    });
    if (errors[0]) throw new SyntaxError(`${file}: ${errors[0].message}`);
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, code);
  }
}

async function runCold(program: string, order: ColdOrder): Promise<ColdRun> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    cwd: packageRoot,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const [code] = await once(child, 'close');
  const processMs = performance.now() - startedAt;
  if (code !== 0 || printed === '')
    throw new Error(`${order.contender} ended with ${String(code)}`);
  return { ...(JSON.parse(printed) as ColdTimes), processMs };
}

function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}
