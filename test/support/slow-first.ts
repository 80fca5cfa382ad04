import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { fileURLToPath } from 'node:url';

/** The test files that take longest, the longest first. */
export const slowFiles = [
  'proofs/race',
  'proofs/lost-connections',
  'machines/model-check',
  'kubernetes/rollout',
  'machines/random-boots',
  'machines/whole-boot',
  'faults/plant-faults',
  'pack/pack',
  'cli/terminal',
  'inspector/many-plugins',
  'proofs/growth',
  'testing/runners',
  'long-sql/runs',
  'bench/bench',
  'chaos/chaos',
  'cli/plan',
  'cli/page',
  'proofs/ctrl-c',
  'testing/assert-replicas-safe',
  'testing/replica-processes',
  'cli/runs',
  'pack/getting-started',
  'pack/first-program',
  'pack/init',
  'pack/declarations',
  'inspector/page',
  'proofs/demo',
  'cli/repair',
  'proofs/kill',
  'proofs/replicas',
  'proofs/tenants',
  'insight/recording-kill',
].map((name) => fileURLToPath(new URL(`../${name}.test.ts`, import.meta.url)));

/**
 * Starts the slow files before all others. On a machine that keeps no times of an earlier run, vitest begins with the largest
 * file, and the slowest ones are small: at the end they would run while the other workers have nothing left to do. The files
 * that share modules come last, because a worker keeps them only from one such file to the next. `--sequence.seed=7` shuffles
 * these, to show that none depends on another.
 */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const missing = slowFiles.find((file) => !existsSync(file));
    if (missing !== undefined) throw new Error(`The list of slow tests names ${missing}`);
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = slowFiles.indexOf(moduleId);
      return place === -1 ? slowFiles.length : place;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own, not that of an array
    const inOrder = await super.sort(files);
    const sorted = inOrder.toSorted((a, b) => rank(a) - rank(b));
    const alone = sorted.filter(({ project }) => project.config.isolate);
    const shared = sorted.filter(({ project }) => !project.config.isolate);
    const { seed } = this.ctx.config.sequence;
    if (seed === undefined) return [...alone, ...shared];
    const shuffled = shared.map((file) => ({ file, place: hash(`${seed} ${file.moduleId}`) }));
    shuffled.sort((a, b) => a.place.localeCompare(b.place));
    return [...alone, ...shuffled.map(({ file }) => file)];
  }
}

const hash = (text: string): string => createHash('sha1').update(text).digest('hex');
