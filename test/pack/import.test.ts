import { execFile } from 'node:child_process';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot, requireBuiltPackage } from '../support/built-package.ts';

const run = promisify(execFile);

/** Prints the address of each file that Node.js compiles for an import: its debugger names them all, of both module systems. */
const program = `import { Session } from 'node:inspector';
const session = new Session();
const files = new Set();
session.connect();
session.on('Debugger.scriptParsed', ({ params }) => files.add(params.url));
session.post('Debugger.enable');
const { entry, logger } = JSON.parse(process.argv[1]);
const { createBoot } = await import(entry);
if (logger) createBoot({ pool: 'postgres://localhost/x', plugins: [], logger });
console.log(JSON.stringify([...files].filter((file) => file.startsWith('file:'))));`;

interface LoadOptions {
  readonly entry?: string;
  readonly logger?: string;
}

/** Lists the files that an import of the built package loads: its own, and the packages that others are of. */
async function loadPackage({ entry = 'slipway', logger }: LoadOptions = {}): Promise<{
  readonly own: readonly string[];
  readonly packages: readonly string[];
}> {
  requireBuiltPackage();
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '-e', program, JSON.stringify({ entry, logger })],
    { cwd: packageRoot },
  );
  const files = (JSON.parse(stdout) as readonly string[]).map((url) => fileURLToPath(url));
  const packages = files.flatMap((file) => {
    const [, name] = /.*\bnode_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? [];
    return name === undefined ? [] : [name.replaceAll(sep, '/')];
  });
  return {
    own: files.filter((file) => file.startsWith(join(packageRoot, 'dist'))),
    packages: [...new Set(packages)],
  };
}

test('an import of the package loads few files, and only packages that every boot needs', async () => {
  const { own, packages } = await loadPackage();
  expect(own).toContain(join(packageRoot, 'dist/src/index.js'));
  expect(own.length).toBeLessThanOrEqual(24);
  const ofPg = /^(?:pg\b.*|postgres-.*|xtend)$/;
  expect(packages.filter((name) => !ofPg.test(name)).toSorted()).toEqual([
    'eventemitter3',
    'picocolors',
    'xstate',
  ]);
});

test('a level in place of a logger loads pino', async () => {
  const { packages } = await loadPackage({ logger: 'info' });
  expect(packages).toContain('pino');
});

test('the testing kit loads no package: not pg, before a test needs a database', async () => {
  const { own, packages } = await loadPackage({ entry: 'slipway/testing' });
  expect(own).toContain(join(packageRoot, 'dist/src/testing/index.js'));
  expect(own.length).toBeLessThanOrEqual(9);
  expect(packages).toEqual([]);
});
