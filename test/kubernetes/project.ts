import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packBuiltPackage } from '../support/packed-package.ts';
import type { Build } from './image.ts';
import { exampleFolder } from './manifests.ts';

const run = promisify(execFile);

/** The example as a project of its own, with a lock file, as a user has it; an image is built of it. */
export type Project = Build;

/**
 * Copies the example, and makes it depend on this package as it is packed here.
 *
 * @throws the error of npm when it cannot reach a registry
 */
export async function createProject(): Promise<Project> {
  const workspace = await mkdtemp(join(tmpdir(), 'slipway-kubernetes-'));
  // The user of the image has to reach it.
  await chmod(workspace, 0o755);
  // As deep as the folder of the application in each image: a lock file has the path of a tarball relative to itself.
  const context = join(workspace, 'project', 'guestbook');
  await cp(exampleFolder, context, { recursive: true });
  const tarball = await packBuiltPackage(workspace);
  const file = join(context, 'package.json');
  const content = JSON.parse(await readFile(file, 'utf8')) as { dependencies: object };
  const dependencies = { ...content.dependencies, slipway: `file:${tarball}` };
  await writeFile(file, JSON.stringify({ ...content, dependencies }));
  const install = ['install', '--package-lock-only', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', install, { cwd: context });
  return { workspace, context, tag: '1.4.0' };
}

/** Makes the release after it in a second project: what is in the folder `next` takes the place of what was. */
export async function createNextRelease({ workspace, context }: Project): Promise<Project> {
  const next = join(workspace, 'next-project', 'guestbook');
  await cp(context, next, { recursive: true });
  await cp(join(next, 'next', 'migrations'), join(next, 'migrations'), { recursive: true });
  const plugin = await readFile(join(next, 'next', 'guestbook.ts'), 'utf8');
  await writeFile(join(next, 'src', 'guestbook.ts'), plugin.replaceAll("'../src/", "'./"));
  return { workspace, context: next, tag: '1.5.0' };
}
