import { basename, dirname, join } from 'node:path';
import { show } from '../../core/errors.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { listNames } from '../../core/printable.ts';
import type { DiscoverSettings } from '../options/boot-settings.ts';
import {
  followLinks,
  isFile,
  listFolders,
  notLoaded,
  readFields,
  readPackage,
  type Package,
} from './package-files.ts';
import { findWorkspaces } from './workspaces.ts';

interface FoundPackages {
  /** Sorted by name, so that the order is the same on every machine. */
  readonly packages: readonly Package[];
  readonly warnings: readonly string[];
}

interface Dependency {
  readonly name: string;
  readonly listedBy: Package;
  readonly isOptional: boolean;
}

/** How many files or folders are read at once. */
const width = 32;

/**
 * Finds the plugin packages: the root, its workspaces, and their direct dependencies, if they carry the field. Each
 * package.json is read once, wherever it is linked from. Of everything else in node_modules, only names are listed.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findPackages({
  root,
  field,
  type,
}: DiscoverSettings): Promise<FoundPackages> {
  const read = oncePerPath((folder) => readPackage(folder, field));
  const readAt = async (place: string): Promise<Package | undefined> => {
    const folder = await followLinks(place);
    return folder === undefined ? undefined : read(folder);
  };
  const host = await readAt(root);
  if (!host) {
    const hint =
      'Set discover.root to the folder of the package.json whose dependencies are the plugins.';
    throw notLoaded(`${join(root, 'package.json')} does not exist`, hint);
  }
  const members = distinct([
    host,
    ...(await mapBounded(await findWorkspaces(host), width, readAt)),
  ]);
  const dependencies = members.flatMap(listDependencies);
  const folders = await mapBounded(dependencies, width, createFinder());
  const missing = dependencies.filter(
    ({ name, isOptional }, index) =>
      folders[index] === undefined && !isOptional && !members.some((own) => own.name === name),
  );
  if (missing.length > 0) await refusePlugAndPlay(host.folder);
  const found = folders.filter((folder) => folder !== undefined);
  const all = distinct([...members, ...(await mapBounded(found, width, read))]).toSorted(
    (a, b) => compare(a.name, b.name) || compare(a.folder, b.folder),
  );
  return {
    packages: all.filter(({ marker }) => marker['type'] === type),
    warnings: [
      ...all
        .filter(({ json, marker }) => json[field] !== undefined && json[field] !== marker)
        .map(
          ({ folder, json }) =>
            `"${field}" in ${join(folder, 'package.json')} is ${show(json[field])}: a plugin has { "type": "${type}" }`,
        ),
      ...warnOfMissing(missing),
    ],
  };
}

/** Makes a function that looks at each path once, however often it is called. */
function oncePerPath<T>(look: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const looks = new Map<string, Promise<T>>();
  return (path) => {
    const known = looks.get(path) ?? look(path);
    looks.set(path, known);
    return known;
  };
}

/** Leaves one of each package. It is read once, so two links to it give the same object. */
function distinct(packages: readonly (Package | undefined)[]): readonly Package[] {
  return [...new Set(packages)].filter((found) => found !== undefined);
}

/**
 * Lists the dependencies that are installed in production too. A plugin among the devDependencies would start on the
 * machine of its developer and be gone after `npm ci --omit=dev`.
 */
function listDependencies(listedBy: Package): readonly Dependency[] {
  const optional = readFields(listedBy.json['optionalDependencies']);
  const names = Object.keys({ ...readFields(listedBy.json['dependencies']), ...optional });
  return names.map((name) => ({ name, listedBy, isOptional: name in optional }));
}

/**
 * Makes the function that finds where a dependency is installed, as Node does: in the node_modules of the package that
 * lists it, or of a folder above. `require.resolve` cannot be asked: a package's `exports` may hide its package.json and
 * even its entry.
 */
function createFinder(): (dependency: Dependency) => Promise<string | undefined> {
  // One listing of a node_modules, or of a scope, shows what is installed there and what is a link.
  const list = oncePerPath(async (place) => ({
    folder: await followLinks(place),
    entries: new Map((await listFolders(place)).map((entry) => [entry.name, entry])),
  }));
  const follow = oncePerPath(followLinks);
  const find = async (name: string, above: string): Promise<string | undefined> => {
    const path = join(above, 'node_modules', name);
    const { folder, entries } = await list(dirname(path));
    const entry = entries.get(basename(path));
    if (entry && folder !== undefined) {
      const place = entry.isSymbolicLink() ? await follow(path) : join(folder, entry.name);
      if (place !== undefined) return place;
    }
    const next = dirname(above);
    return next === above ? undefined : find(name, next);
  };
  return ({ name, listedBy }) => find(name, listedBy.folder);
}

function warnOfMissing(missing: readonly Dependency[]): readonly string[] {
  if (missing.length === 0) return [];
  const names = listNames(missing.map(({ name, listedBy }) => `${name} (of ${listedBy.name})`));
  return [`not installed, so not searched for plugins: ${names}`];
}

async function refusePlugAndPlay(folder: string): Promise<void> {
  if (!(await isFile(join(folder, '.pnp.cjs')))) return;
  throw notLoaded(
    `The packages of ${folder} are installed by Yarn Plug'n'Play, which has no node_modules to search`,
    'Set nodeLinker: node-modules in .yarnrc.yml, or list the plugins in the option plugins.',
  );
}

function compare(a: string, b: string): number {
  // By code unit, not by locale: the order must not depend on the machine.
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
