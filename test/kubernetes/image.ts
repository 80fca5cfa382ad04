import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { DockerfileParser, type Copy, type Env, type From } from 'dockerfile-ast';
import type { Instruction, JSONInstruction } from 'dockerfile-ast';
import picomatch from 'picomatch';

const run = promisify(execFile);

/** An image without its operating system: the folders that its Dockerfile makes, and what is to be run in them. */
export interface Image {
  /** The folder that is `/` in the image. */
  readonly root: string;
  /** As the Dockerfile writes it: `/app`. */
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  /** As the Dockerfile writes it: `1000:1000`. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** The stage of a build. Its key stands for everything that has gone into it. */
type Stage = { -readonly [Key in keyof Image]: Image[Key] } & { key: string };

/** The places of a build. */
export interface Build {
  /** The folder that is sent to the builder. */
  readonly context: string;
  /** The folder for the stages, and for the layers that another build may take over. */
  readonly workspace: string;
  /** The name of the image in the workspace. */
  readonly tag: string;
}

/** Reads a Dockerfile. The parser keeps instructions as they are written, in the order of the file. */
export async function readDockerfile(context: string): Promise<readonly Instruction[]> {
  const text = await readFile(join(context, 'Dockerfile'), 'utf8');
  return DockerfileParser.parse(text).getInstructions();
}

/**
 * Builds an image as a container builder does, without containers: each stage is a folder, each `COPY` obeys .dockerignore,
 * and each `RUN` is run, with the Node.js of this machine in place of the one of the base image. What a `RUN` has made is kept
 * as a layer, for the next image in which nothing before it is different.
 */
export async function buildImage({ context, workspace, tag }: Build): Promise<Image> {
  const isIgnored = await readIgnored(context);
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const instruction of await readDockerfile(context)) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') {
      const from = instruction as From;
      const name = from.getBuildStage() ?? 'image';
      const base = stages.get(from.getImage() ?? '');
      const root = join(workspace, `${tag}-${name}`);
      await mkdir(root);
      if (base) await copyFolder(base.root, root);
      stage = { ...(base ?? { ...emptyStage, key: digest(from.getImage() ?? '') }), root };
      stages.set(name, stage);
    } else if (!stage) {
      throw new Error(`The Dockerfile has ${keyword} before its first FROM`);
    } else if (keyword === 'COPY') {
      const copy = instruction as Copy;
      const source = copy.getFromFlag()?.getValue();
      const from = source === undefined || source === null ? undefined : stages.get(source);
      if (source && !from) throw new Error(`There is no stage ${source}`);
      await copyFiles(copy, stage, from ? { folder: from.root } : { folder: context, isIgnored });
    } else if (keyword === 'RUN') {
      await runOnce(instruction.getArgumentsContent() ?? '', stage, workspace);
    } else {
      follow(instruction, stage);
      await mkdir(join(stage.root, stage.workdir), { recursive: true });
    }
  }
  if (!stage) throw new Error('The Dockerfile has no FROM');
  return stage;
}

const emptyStage = { workdir: '/', env: {}, user: '', entrypoint: [], command: [] };

/** Runs a command, or takes what the same command has made of the same files before. */
async function runOnce(command: string, stage: Stage, workspace: string): Promise<void> {
  stage.key = digest(stage.key, command, stage.workdir, JSON.stringify(stage.env));
  const layer = join(workspace, `layer-${stage.key}`);
  const isKnown = await stat(layer).then(
    () => true,
    () => false,
  );
  if (isKnown) {
    await rm(stage.root, { recursive: true });
    await copyFolder(layer, stage.root);
    return;
  }
  const { PATH = '', HOME = '' } = process.env;
  const npm = { prefer_offline: 'true', audit: 'false', fund: 'false', update_notifier: 'false' };
  const settings = Object.entries(npm).map(([name, value]) => [`npm_config_${name}`, value]);
  const env = { PATH, HOME, ...Object.fromEntries(settings), ...stage.env };
  await run('sh', ['-c', command], { cwd: join(stage.root, stage.workdir), env });
  await copyFolder(stage.root, layer);
}

function follow(instruction: Instruction, stage: Stage): void {
  const words = instruction.getArguments().map((each) => each.getValue());
  const keyword = instruction.getKeyword();
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = words[0] ?? '/';
      return;
    case 'ENV':
      for (const each of (instruction as Env).getProperties()) {
        stage.env = { ...stage.env, [each.getName()]: each.getValue() ?? '' };
      }
      return;
    case 'USER':
      stage.user = words[0] ?? '';
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = readWords(instruction as JSONInstruction);
      return;
    case 'CMD':
      stage.command = readWords(instruction as JSONInstruction);
      return;
    case 'EXPOSE':
      return;
    default:
      throw new Error(`The builder of the tests does not know ${keyword}`);
  }
}

/** @throws Error when it is a command line, which a shell would run as the process that gets the signals. */
function readWords(instruction: JSONInstruction): readonly string[] {
  if (!instruction.getOpeningBracket()) {
    throw new Error(`${instruction.getKeyword()} has no exec form, so signals do not arrive`);
  }
  return instruction.getJSONStrings().map((each) => each.getJSONValue());
}

/** Where a COPY finds its sources. */
interface Source {
  readonly folder: string;
  readonly isIgnored?: (path: string) => boolean;
}

async function copyFiles(copy: Copy, stage: Stage, from: Source): Promise<void> {
  const { root, workdir } = stage;
  const { folder, isIgnored } = from;
  const words = copy.getArguments().map((each) => each.getValue());
  const target = words.at(-1) ?? '';
  for (const word of words.slice(0, -1)) {
    const source = join(folder, word);
    const place = join(root, target.startsWith('/') ? '/' : workdir, target);
    const filter = (path: string): boolean => !isIgnored?.(relative(folder, path));
    if (!filter(source)) throw new Error(`.dockerignore leaves ${word} out, which is copied`);
    const to = target.endsWith('/') ? join(place, word) : place;
    await mkdir(dirname(to), { recursive: true });
    if (isIgnored) await cp(source, to, { recursive: true, filter });
    else await copyFolder(source, to);
    stage.key = digest(stage.key, copy.toString(), ...(await readAll(source)));
  }
}

/** Lists the files in a folder, or the file that it is, each with its content. Those of packages are what a lock file says. */
async function readAll(path: string): Promise<readonly string[]> {
  if (basename(path) === 'node_modules') return [];
  if (!(await stat(path)).isDirectory()) return [basename(path), await readFile(path, 'utf8')];
  const names = (await readdir(path)).toSorted();
  return (await Promise.all(names.map((name) => readAll(join(path, name))))).flat();
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Links the files of a folder into another place, which has nothing of that name yet: nothing changes a file in its place. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run('cp', ['-RPl', `${from}/.`, to]);
}

/** Reads .dockerignore: the last line that fits a path, or a folder that it is in, decides. */
async function readIgnored(context: string): Promise<(path: string) => boolean> {
  const text = await readFile(join(context, '.dockerignore'), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const rules = lines.map((line) => ({
    keeps: line.startsWith('!'),
    fits: picomatch(line.replace(/^!/, ''), { dot: true }),
  }));
  return (path) => {
    const parts = path.split('/');
    const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    const last = rules.findLast(({ fits }) => above.some((each) => fits(each)));
    return path !== '' && last !== undefined && !last.keeps;
  };
}

/** Lets every user read an image, and no user but root write into it. */
export async function lockImage({ root }: Image): Promise<void> {
  await run('chmod', ['-R', 'a+rX,a-w', root]);
}

/** Removes a folder with images in it, also as a user that had to lock them against itself. */
export async function removeImages(workspace: string): Promise<void> {
  await chmod(workspace, 0o755);
  await run('chmod', ['-R', 'u+w', workspace]);
  await rm(workspace, { recursive: true, force: true });
}
