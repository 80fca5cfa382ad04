import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Plugin } from 'slipway';
import { createBoot } from 'slipway';
import type { TestDatabase } from '../support/test-database.ts';
import { summarize, withColdProcesses, type ColdRun, type ColdSample } from './cold-process.ts';
import { withDatabase } from './fresh-database.ts';
import {
  generateFiles,
  filesPerPlugin,
  migrationsOf,
  withMigratingPlugins,
} from './generated-plugins.ts';
import { collectInTurn, measureInTurn, type Rounds, type Sample } from './measure.ts';
import { writeHistories } from './survey.ts';

/** What the recording of a boot costs that has nothing to migrate. */
export interface RecordingResult {
  readonly plugins: number;
  /** In one process, which has booted them before: from `createBoot()` until all are ready. */
  readonly plain: Sample;
  readonly recorded: Sample;
  /** In new processes, as each start of a backend is one. */
  readonly cold: { readonly plain: ColdSample; readonly recorded: ColdSample };
  /** Of a recording that ends with the boot ready, and of one that ends with it stopped. */
  readonly bytes: { readonly ready: number; readonly stopped: number };
}

/** What a boot is measured with. */
interface Measured {
  readonly database: TestDatabase;
  readonly plugins: readonly Plugin[];
  /** The file of the recordings. */
  readonly record: string;
  readonly rounds: Rounds;
}

/** Measures boots with and without a recording, in turn. */
export async function measureRecording(
  adminUrl: string,
  count: number,
  rounds: Rounds,
): Promise<RecordingResult> {
  const files = generateFiles(filesPerPlugin);
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const record = join(folder, 'boot.jsonl');
  const measure = (plugins: readonly Plugin[]): Promise<RecordingResult> =>
    withDatabase(adminUrl, async (database) => {
      await writeHistories(database, plugins, Object.values(files));
      const measured: Measured = { database, plugins, record, rounds };
      const warm = await measureWarm(measured);
      return { plugins: count, ...warm, cold: await measureCold(adminUrl, measured) };
    });
  try {
    return await withMigratingPlugins(count, 'layers', measure, files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureWarm({
  database,
  plugins,
  record,
  rounds,
}: Measured): Promise<Pick<RecordingResult, 'plain' | 'recorded' | 'bytes'>> {
  let bytes = { ready: 0, stopped: 0 };
  const readSize = async (): Promise<number> => (await stat(record)).size;
  const samples = await measureInTurn(
    {
      plain: () => bootOnce(database, plugins),
      recorded: async () => {
        const ms = await bootOnce(database, plugins, record, async () => {
          bytes = { ...bytes, ready: await readSize() };
        });
        bytes = { ...bytes, stopped: await readSize() };
        return ms;
      },
    },
    rounds,
  );
  return { ...samples, bytes };
}

async function measureCold(
  adminUrl: string,
  { database, plugins, record, rounds }: Measured,
): Promise<RecordingResult['cold']> {
  const url = new URL(adminUrl);
  url.pathname = `/${database.name}`;
  const [root = ''] = plugins.map((plugin) => dirname(migrationsOf(plugin)));
  const migrations = { url: url.href, root, pending: 'nothing' } as const;
  const runs = await withColdProcesses((runCold) => {
    const run = async (name: 'plain' | 'recorded'): Promise<ColdRun> => {
      const order = { group: 'migrators', contender: 'slipway', plugins: plugins.length } as const;
      const target = name === 'recorded' && { record };
      const ended = await runCold({ ...order, migrations: { ...migrations, ...target } });
      await database.expectNoLeak();
      return ended;
    };
    return collectInTurn(['plain', 'recorded'] as const, run, rounds);
  });
  return { plain: summarize(runs.plain), recorded: summarize(runs.recorded) };
}

/** Boots on a pool that has no connection yet. Returns how long it took to be ready. */
async function bootOnce(
  database: TestDatabase,
  plugins: readonly Plugin[],
  record?: string,
  onReady?: () => Promise<void>,
): Promise<number> {
  const startedAt = performance.now();
  const pool = database.pool();
  const boot = createBoot({ pool, plugins, ...(record !== undefined && { record }) });
  const { outcome } = await boot.start();
  const ms = performance.now() - startedAt;
  if (outcome !== 'ready') throw new Error(`The boot is ${outcome}`);
  await onReady?.();
  await boot.stop();
  await database.expectNoLeak();
  return ms;
}
