import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plugin } from 'slipway';
import { createBoot } from 'slipway';
import type { TestDatabase } from '../support/test-database.ts';
import { withDatabase } from './fresh-database.ts';
import { generateFiles, filesPerPlugin, withMigratingPlugins } from './generated-plugins.ts';
import { measureInTurn, type Rounds, type Sample } from './measure.ts';
import { writeHistories } from './survey.ts';

/** What the recording of a boot costs that has nothing to migrate. */
export interface RecordingResult {
  readonly plugins: number;
  readonly plain: Sample;
  readonly recorded: Sample;
  /** Of a recording that ends with the boot ready, and of one that ends with it stopped. */
  readonly bytes: { readonly ready: number; readonly stopped: number };
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
  let bytes = { ready: 0, stopped: 0 };
  const measure = (plugins: readonly Plugin[]): Promise<RecordingResult> =>
    withDatabase(adminUrl, async (database) => {
      await writeHistories(database, plugins, Object.values(files));
      const samples = await measureInTurn(
        {
          plain: () => bootOnce(database, plugins),
          recorded: async () => {
            const readSize = async (): Promise<number> => (await stat(record)).size;
            const ms = await bootOnce(database, plugins, record, async () => {
              bytes = { ...bytes, ready: await readSize() };
            });
            bytes = { ...bytes, stopped: await readSize() };
            return ms;
          },
        },
        rounds,
      );
      return { plugins: count, ...samples, bytes };
    });
  try {
    return await withMigratingPlugins(count, 'layers', measure, files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
