import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Container, PodSpec, Secret, Service } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { repository } from '../architecture/imports.ts';

/** The folder of the example, which is also the context in which its image is built. */
export const exampleFolder = join(repository, 'docs/examples/kubernetes');

/** The page about Kubernetes. */
export const guide = readFileSync(join(repository, 'docs/kubernetes.md'), 'utf8');

/** The kinds of objects that the tests run or follow. */
export interface Kinds {
  readonly Deployment: Deployment;
  readonly Job: Job;
  readonly PodDisruptionBudget: PodDisruptionBudget;
  readonly Secret: Secret;
  readonly Service: Service;
}

/** One object of a manifest. A file may have several of them. */
export interface Manifest {
  readonly file: string;
  readonly kind: string;
  readonly apiVersion: string;
  readonly object: object;
}

/** Parses a manifest. A key that stands there twice is an error, as it is for kubectl. */
export function parseManifest(file: string, text: string): readonly Manifest[] {
  return loadAll(text).map((object) => {
    const { kind, apiVersion } = object as Readonly<Record<string, unknown>>;
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      throw new Error(`${file} has an object without kind or apiVersion`);
    }
    return { file, kind, apiVersion, object: object as object };
  });
}

/** The text of each manifest of the example, by its name. */
export const manifestTexts: ReadonlyMap<string, string> = new Map(
  readdirSync(exampleFolder)
    .filter((name) => /\.ya?ml$/.test(name))
    .map((name) => [name, readFileSync(join(exampleFolder, name), 'utf8')]),
);

/** Every object of the example. */
export const manifests: readonly Manifest[] = [...manifestTexts].flatMap(([file, text]) =>
  parseManifest(file, text),
);

/**
 * Returns the object of a kind in a file.
 *
 * @param version The release that the manifest is for; those in the example are for 1.4.0.
 */
export function findObject<Kind extends keyof Kinds>(
  file: string,
  kind: Kind,
  version = '1.4.0',
): Kinds[Kind] {
  const text = manifestTexts.get(file) ?? '';
  const released = text
    .replaceAll('1.4.0', version)
    .replaceAll('1-4-0', version.replaceAll('.', '-'));
  const found = parseManifest(file, released).find((manifest) => manifest.kind === kind);
  if (!found) throw new Error(`${file} has no ${kind}`);
  return found.object;
}

/** Returns the pods that an object makes, if it makes any. */
export function podOf({ object }: Pick<Manifest, 'object'>): PodSpec | undefined {
  return (object as Partial<Deployment & Job>).spec?.template?.spec;
}

/** Lists all containers of a pod. */
export function containersOf({ initContainers = [], containers }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}
