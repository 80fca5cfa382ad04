import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Dialect } from './starter-files.ts';

/** What is known of a project from its files; nothing in it is run. */
export interface Project extends Dialect {
  /** Adds packages: `npm install`. */
  readonly install: string;
  /** Runs a program of a package: `npx`. */
  readonly exec: string;
  /** The packages that Slipway needs and package.json lacks. */
  readonly missing: readonly string[];
}

interface Manifest {
  readonly type?: unknown;
  readonly dependencies?: object;
  readonly devDependencies?: object;
  readonly peerDependencies?: object;
}

/** The package managers by their lock files. */
const managers = [
  ['pnpm-lock.yaml', 'pnpm add', 'pnpm exec'],
  ['yarn.lock', 'yarn add', 'yarn'],
  ['bun.lock', 'bun add', 'bunx'],
  ['bun.lockb', 'bun add', 'bunx'],
] as const;

const needed = ['slipway', 'pg', 'drizzle-orm'];

/** Looks at the package.json, the tsconfig.json and the lock file of a folder. */
export function lookAtProject(folder: string): Project {
  const manifest = readManifest(join(folder, 'package.json'));
  const installed = new Set(
    [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies].flatMap((each) =>
      Object.keys(each ?? {}),
    ),
  );
  const isTypeScript = existsSync(join(folder, 'tsconfig.json')) || installed.has('typescript');
  const isModule = manifest.type === 'module';
  const language = isTypeScript ? 'ts' : 'js';
  const lockFile = findLockFile(folder);
  const [, install, exec] = managers.find(([name]) => name === lockFile) ?? [
    '',
    'npm install',
    'npx',
  ];
  return {
    ending: isModule ? language : `m${language}`,
    sources: existsSync(join(folder, 'src')) ? 'src/' : '',
    database: basename(folder).replaceAll(/[^A-Za-z0-9_-]/g, '') || 'app',
    install,
    exec,
    missing: needed.filter((name) => !installed.has(name)),
  };
}

/** A project without a package.json, or with one that cannot be read, has none of the fields. */
function readManifest(path: string): Manifest {
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}

/** In a workspace the lock file is further up. */
function findLockFile(folder: string): string | undefined {
  const names = [...managers.map(([name]) => name), 'package-lock.json'];
  const found = names.find((name) => existsSync(join(folder, name)));
  const parent = dirname(folder);
  return found === undefined && parent !== folder ? findLockFile(parent) : found;
}
