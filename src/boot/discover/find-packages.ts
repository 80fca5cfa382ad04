import { basename, dirname, join } from 'node:path';
import { BootError, show } from '../../core/errors.ts';
import type { DiscoverSetup } from './discover-options.ts';
import { mapBounded } from '../../core/map-bounded.ts';
import { oncePerPath } from './once-per-path.ts';
import type { PackageFiles } from './package-files.ts';
import { fieldsIn, readPackage, type Fields, type Package } from './package-json.ts';
import { findWorkspaces } from './workspaces.ts';
import { listNames } from '../../core/printable.ts';

/** A package whose package.json says that it is a plugin. */
export interface PluginPackage extends Package {
  /** What the field says: its `type`, and perhaps an `entry`. */
  readonly marker: Fields;
}

export interface FoundPackages {
  /** By name, so that the order is the same on every machine. */
  readonly packages: readonly PluginPackage[];
  readonly warnings: readonly string[];
}

interface Dependency {
  readonly of: Package;
  readonly name: string;
  readonly isOptional: boolean;
}

/** How many looks at the file system are under way at once. */
const width = 32;

/**
 * Finds the plugin packages: the root, its workspaces, and their direct dependencies, whichever carry the field. Each
 * package.json is read once, wherever it is linked from; of everything else in node_modules only the names are seen.
 *
 * @throws BootError `PLUGIN_NOT_LOADED`
 */
export async function findPackages(
  setup: DiscoverSetup,
  files: PackageFiles,
): Promise<FoundPackages> {
  const read = oncePerPath((folder) => readPackage(folder, files));
  const root = await readRoot(setup.root, files, read);
  const members = await readMembers(root, files, read);
  const dependencies = members.flatMap(dependenciesOf);
  const installed = await mapBounded(dependencies, width, installedFolders(files));
  const missing = dependencies.filter(
    ({ name, isOptional }, index) =>
      installed[index] === undefined && !isOptional && !members.some((own) => own.name === name),
  );
  if (missing.length > 0) await refusePlugAndPlay(root, files);
  const folders = new Set([...members.map(({ folder }) => folder), ...installed]);
  const packages = (await mapBounded([...folders], width, async (folder) => folder && read(folder)))
    .flatMap((found) => found || [])
    .toSorted((a, b) => compare(a.name, b.name) || compare(a.folder, b.folder));
  return {
    packages: packages.flatMap((found) => asPlugin(found, setup)),
    warnings: [...unreadableMarkers(packages, setup), ...notInstalled(missing)],
  };
}

type Read = (folder: string) => Promise<Package | undefined>;

async function readRoot(path: string, files: PackageFiles, read: Read): Promise<Package> {
  const folder = await files.real(path);
  const root = folder === undefined ? undefined : await read(folder);
  if (root) return root;
  throw new BootError('PLUGIN_NOT_LOADED', `${join(path, 'package.json')} does not exist`, {
    phase: 'discover',
    hint: 'Set discover.root to the folder of the package.json whose dependencies are the plugins.',
  });
}

/** The root and its workspaces. */
async function readMembers(
  root: Package,
  files: PackageFiles,
  read: Read,
): Promise<readonly Package[]> {
  const places = await findWorkspaces(root, files);
  const folders = await mapBounded(places, width, (place) => files.real(place));
  const distinct = [...new Set(folders)].filter((folder) => folder !== undefined);
  const workspaces = await mapBounded(distinct, width, read);
  return [root, ...workspaces.flatMap((found) => found ?? [])].filter(
    (member, index, all) => all.indexOf(member) === index,
  );
}

/**
 * Those that are there in production too: a plugin among the devDependencies would start on the machine of its developer
 * and be gone after `npm ci --omit=dev`.
 */
function dependenciesOf(of: Package): readonly Dependency[] {
  const optional = fieldsIn(of.json['optionalDependencies']);
  const names = Object.keys({ ...fieldsIn(of.json['dependencies']), ...optional });
  return names.map((name) => ({ of, name, isOptional: name in optional }));
}

/**
 * Finds where a dependency is installed, as Node does: in the node_modules of the package that lists it, or of a folder
 * above. By folders, because a package's `exports` may hide its package.json and even its entry from `require.resolve`.
 */
function installedFolders(
  files: PackageFiles,
): (dependency: Dependency) => Promise<string | undefined> {
  // The names in a node_modules, or in a scope, tell in one look what is there and what is a link.
  const listed = oncePerPath(async (place) => ({
    folder: await files.real(place),
    isLink: new Map((await files.subfolders(place)).map((each) => [each.name, each.isLink])),
  }));
  const real = oncePerPath((path) => files.real(path));
  return async ({ of, name }) => {
    for (const above of ancestors(of.folder)) {
      const path = join(above, 'node_modules', name);
      const { folder, isLink } = await listed(dirname(path));
      const found = isLink.get(basename(path));
      if (folder === undefined || found === undefined) continue;
      const place = found ? await real(path) : join(folder, basename(path));
      if (place !== undefined) return place;
    }
    return undefined;
  };
}

function ancestors(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
}

function asPlugin(found: Package, { field, type }: DiscoverSetup): readonly PluginPackage[] {
  const marker = fieldsIn(found.json[field]);
  return marker['type'] === type ? [{ ...found, marker }] : [];
}

function unreadableMarkers(
  packages: readonly Package[],
  { field, type }: DiscoverSetup,
): readonly string[] {
  return packages
    .filter(({ json }) => json[field] !== undefined && fieldsIn(json[field]) !== json[field])
    .map(
      ({ folder, json }) =>
        `"${field}" in ${join(folder, 'package.json')} is ${show(json[field])}: a plugin has { "type": "${type}" }`,
    );
}

function notInstalled(missing: readonly Dependency[]): readonly string[] {
  if (missing.length === 0) return [];
  const names = listNames(missing.map(({ name, of }) => `${name} (of ${of.name})`));
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
