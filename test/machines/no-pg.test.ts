import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const entry = new URL('../../machines/index.ts', import.meta.url);
const imports = /(?:^|\n)(?:import|export)\s(?!type\b)[^;]*?from\s+'([^']+)'|import\(\s*'([^']+)'/g;

it('drawing the machines loads xstate and nothing else', () => {
  expect(packagesBehind(entry)).toEqual(['xstate']);
});

it('the machines see no other room than the core', () => {
  const rooms = [...filesBehind(entry)].map((url) => /\/(machines|src\/\w+)\//.exec(url)?.[1]);

  expect(new Set(rooms)).toEqual(new Set(['machines', 'src/core']));
});

it('the machines can be imported where only xstate is installed', () => {
  const repository = fileURLToPath(new URL('../../', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'slipway-machines-'));
  try {
    for (const room of ['machines', 'src/core']) {
      cpSync(join(repository, room), join(folder, room), { recursive: true });
    }
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(join(repository, 'node_modules/xstate'), join(folder, 'node_modules/xstate'));
    const program = join(folder, 'draw.ts');
    writeFileSync(
      program,
      `import { bootMachine } from './machines/index.ts';
       console.log(Object.keys(bootMachine.toJSON().states ?? {}).join(' '));`,
    );
    const jiti = join(repository, 'node_modules/jiti/lib/jiti-cli.mjs');
    const printed = execFileSync(process.execPath, [jiti, program], { encoding: 'utf8' });

    expect(printed.trim()).toBe('idle launching ready stopAll stopped failed');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The packages that importing this file loads; imports of types are erased and load nothing. */
function packagesBehind(file: URL): readonly string[] {
  const names = [...filesBehind(file)].flatMap((url) =>
    specifiersIn(new URL(url)).filter((specifier) => !specifier.startsWith('.')),
  );
  return [...new Set(names)].toSorted();
}

function filesBehind(file: URL, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  for (const specifier of specifiersIn(file)) {
    if (specifier.startsWith('.')) filesBehind(new URL(specifier, file), seen);
  }
  return seen;
}

function specifiersIn(file: URL): readonly string[] {
  const text = readFileSync(fileURLToPath(file), 'utf8');
  return [...text.matchAll(imports)].flatMap((match) => match[1] ?? match[2] ?? []);
}
