import { basename, dirname, join } from 'node:path';
import { BootError, show } from '../../core/errors.ts';
import type { DiscoverSettings } from '../options/discover-options.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { listNames } from '../../core/printable.ts';
import type { PackageFiles } from './package-files.ts';
import { fieldsIn, readPackage, type Fields, type Package } from './package-json.ts';
import { findWorkspaces } from './workspaces.ts';

/** A package whose package.json marks it as a plugin. */
export interface PluginPackage extends Package {
  /** The value of the marking field: its `type`, and perhaps an `entry`. */
  readonly marker: Fields;
}

interface FoundPackages {
  /** Sorted by name, so that the order is the same on every machine. */
  readonly packages: readonly PluginPackage[];
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
export async function findPackages(
  setup: DiscoverSettings,
  files: PackageFiles,
): Promise<FoundPackages> {
  const read = oncePerPath((folder) => readPackage(folder, files));
  const readAt = async (place: string | undefined): Promise<Package | undefined> => {
    const folder = place === undefined ? undefined : await files.real(place);
    return folder === undefined ? undefined : read(folder);
  };
  const root = (await readAt(setup.root)) ?? refuseRoot(setup.root);
  const workspaces = await mapBounded(await findWorkspaces(root, files), width, readAt);
  const members = distinct([root, ...workspaces]);
  const dependencies = members.flatMap(listDependencies);
  const folders = await mapBounded(dependencies, width, findInstalled(files));
  const missing = dependencies.filter(
    ({ name, isOptional }, index) =>
      folders[index] === undefined && !isOptional && !members.some((own) => own.name === name),
  );
  if (missing.length > 0) await refusePlugAndPlay(root, files);
  const installed = await mapBounded(folders, width, async (folder) =>
    folder === undefined ? undefined : read(folder),
  );
  const packages = distinct([...members, ...installed]).toSorted(
    (a, b) => compare(a.name, b.name) || compare(a.folder, b.folder),
  );
  return {
    packages: packages.flatMap((found) => asPlugin(found, setup)),
    warnings: [...warnOfMarkers(packages, setup), ...warnOfMissing(missing)],
  };
}

/** A function that looks at each path once, however often it is called. */
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

function refuseRoot(path: string): never {
  throw new BootError('PLUGIN_NOT_LOADED', `${join(path, 'package.json')} does not exist`, {
    phase: 'discover',
    hint: 'Set discover.root to the folder of the package.json whose dependencies are the plugins.',
  });
}

/**
 * Lists the dependencies that are installed in production too. A plugin among the devDependencies would start on the
 * machine of its developer and be gone after `npm ci --omit=dev`.
 */
function listDependencies(listedBy: Package): readonly Dependency[] {
  const optional = fieldsIn(listedBy.json['optionalDependencies']);
  const names = Object.keys({ ...fieldsIn(listedBy.json['dependencies']), ...optional });
  return names.map((name) => ({ name, listedBy, isOptional: name in optional }));
}

/**
 * Finds where a dependency is installed, as Node does: in the node_modules of the package that lists it, or of a folder
 * above. `require.resolve` cannot be asked: a package's `exports` may hide its package.json and even its entry.
 */
function findInstalled(
  files: PackageFiles,
): (dependency: Dependency) => Promise<string | undefined> {
  // One listing of a node_modules, or of a scope, shows what is installed there and what is a link.
  const list = oncePerPath(async (place) => ({
    folder: await files.real(place),
    isLink: new Map((await files.subfolders(place)).map((each) => [each.name, each.isLink])),
  }));
  const real = oncePerPath((path) => files.real(path));
  return async ({ name, listedBy }) => {
    for (const above of withAncestors(listedBy.folder)) {
      const path = join(above, 'node_modules', name);
      const { folder, isLink } = await list(dirname(path));
      const found = isLink.get(basename(path));
      if (folder === undefined || found === undefined) continue;
      const place = found ? await real(path) : join(folder, basename(path));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

function withAncestors(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...withAncestors(above)];
}

function asPlugin(found: Package, { field, type }: DiscoverSettings): readonly PluginPackage[] {
  const marker = fieldsIn(found.json[field]);
  return marker['type'] === type ? [{ ...found, marker }] : [];
}

function warnOfMarkers(
  packages: readonly Package[],
  { field, type }: DiscoverSettings,
): readonly string[] {
  return packages
    .filter(({ json }) => json[field] !== undefined && fieldsIn(json[field]) !== json[field])
    .map(
      ({ folder, json }) =>
        `"${field}" in ${join(folder, 'package.json')} is ${show(json[field])}: a plugin has { "type": "${type}" }`,
    );
}

function warnOfMissing(missing: readonly Dependency[]): readonly string[] {
  if (missing.length === 0) return [];
  const names = listNames(missing.map(({ name, listedBy }) => `${name} (of ${listedBy.name})`));
  return [`not installed, so not searched for plugins: ${names}`];
}

async function refusePlugAndPlay(root: Package, files: PackageFiles): Promise<void> {
  if (!(await files.isFile(join(root.folder, '.pnp.cjs')))) return;
  throw new BootError(
    'PLUGIN_NOT_LOADED',
    `The packages of ${root.folder} are installed by Yarn Plug'n'Play, which has no node_modules to search`,
    {
      phase: 'discover',
      hint: 'Set nodeLinker: node-modules in .yarnrc.yml, or list the plugins in the option plugins.',
    },
  );
}

function compare(a: string, b: string): number {
  // By code unit, not by locale: the order must not depend on the machine.
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
