import { existsSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { fileURLToPath } from 'node:url';

/** The test files that take longest, the longest first. */
const slowFiles = [
  'proofs/race',
  'proofs/lost-connections',
  'machines/model-check',
  'machines/random-boots',
  'machines/whole-boot',
  'faults/plant-faults',
  'pack/pack',
  'cli/terminal',
  'bench/bench',
  'cli/runs',
  'pack/first-program',
  'pack/declarations',
  'inspector/page',
  'proofs/demo',
  'cli/repair',
  'proofs/kill',
  'proofs/replicas',
  'insight/recording-kill',
].map((name) => fileURLToPath(new URL(`../${name}.test.ts`, import.meta.url)));

/**
 * Starts the slow files before all others. On a machine that keeps no times of an earlier run, vitest begins with the largest
 * file, and the slowest ones are small: at the end they would run while the other workers have nothing left to do.
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
    return inOrder.toSorted((a, b) => rank(a) - rank(b));
  }
}
