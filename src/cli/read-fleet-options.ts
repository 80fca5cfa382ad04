import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BootError, type FleetShard, type FleetTarget } from '../index.ts';
import { UsageError } from './exit-codes.ts';
import { endPools, loadDefault } from './load-config.ts';

/** The environment variable of a pod of an Indexed Job. https://kubernetes.io/docs/concepts/workloads/controllers/job/ */
const indexVariable = 'JOB_COMPLETION_INDEX';

const see = 'See --help.';

/**
 * Loads the databases of a fleet for `use`: the default export of a module. What is in it is checked by `migrateFleet()`. Its
 * pools are ended afterwards, so that the process can end.
 *
 * @throws BootError `CONFIG_NOT_FOUND` or `CONFIG_INVALID`, and what `use` throws
 */
export async function withTargets<T>(
  path: string,
  use: (targets: readonly (FleetTarget | string)[]) => Promise<T>,
): Promise<T> {
  const file = resolve(process.cwd(), path);
  if (!existsSync(file)) {
    throw new BootError('CONFIG_NOT_FOUND', `There is no ${path} in ${process.cwd()}`, {
      hint: 'Name the module whose default export is the list of databases: --fleet targets.ts.',
    });
  }
  const hint = `Look at the cause. ${path} exports a list of databases by default, or a function that returns one.`;
  const targets = (await loadDefault(file, hint)) as readonly (FleetTarget | string)[];
  try {
    return await use(targets);
  } finally {
    if (Array.isArray(targets)) for (const each of targets) endPoolOf(each);
  }
}

/** Ends the pool that a module of databases has made. */
export function endPoolOf(target: unknown): void {
  if (typeof target === 'object' && target !== null) endPools(target);
}

/**
 * Reads `0/4`, or `/4` with the index from the environment.
 *
 * @throws UsageError
 */
export function readShard(text: string | undefined): FleetShard | undefined {
  if (text === undefined) return undefined;
  const [, given = '', total = ''] = /^(\d*)\/([1-9]\d*)$/.exec(text) ?? [];
  if (total === '') {
    throw new UsageError(`--shard takes i/n, such as 0/4, or /4; and not "${text}".`, see);
  }
  const index = given === '' ? readIndex(text) : Number(given);
  const count = Number(total);
  if (index < count) return { index, count };
  throw new UsageError(
    `--shard ${index}/${count}: the shards count from 0, so the last one is ${count - 1}/${count}.`,
    see,
  );
}

function readIndex(text: string): number {
  const value = process.env[indexVariable] ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(
    `--shard ${text} takes its index from ${indexVariable}, which is ${value === '' ? 'not set' : `"${value}"`}.`,
    `Run it in an Indexed Job, or write --shard 0${text}.`,
  );
}

/** @throws UsageError */
export function readCount(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} takes a number, and not "${text}".`, see);
}

/**
 * Refuses options that do not go together.
 *
 * @throws UsageError
 */
export function refuseBeside(
  given: Readonly<Record<string, unknown>>,
  { fleet, names }: { readonly fleet: string | undefined; readonly names: readonly string[] },
): void {
  const wrong = names.find((name) => given[name] !== undefined && given[name] !== false);
  if (wrong === undefined) return;
  throw new UsageError(
    fleet === undefined
      ? `--${wrong} is for a fleet: it needs --fleet <targets>.`
      : `--${wrong} is for one database, and not for a fleet.`,
    see,
  );
}
