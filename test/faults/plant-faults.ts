import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { check, type MachinesUnderProof, type Part } from '../machines/model-check.ts';
import { PuppetStage } from '../machines/puppet-boot.ts';
import { randomBoots, runRandomBoot } from '../machines/random-boots.ts';

/** A mistake somebody could make in the machines, as a change of their text. */
export interface Fault {
  readonly name: string;
  /** Its path in the repository. */
  readonly file: string;
  readonly instead: string;
  readonly put: string;
  /** The part whose proof must fail. */
  readonly breaks: Part;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Gives `use` a copy of the machines that has this fault. */
export async function withFault<T>(
  fault: Fault,
  use: (machines: MachinesUnderProof) => T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-fault-'));
  try {
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
    for (const room of ['machines', 'src/core']) {
      cpSync(join(repository, room), join(folder, room), { recursive: true });
    }
    const path = join(folder, fault.file);
    writeFileSync(path, planted(readFileSync(path, 'utf8'), fault));
    const index = pathToFileURL(join(folder, 'machines', 'index.ts')).href;
    return use((await import(index)) as MachinesUnderProof);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What finds a fault: the law that breaks in the proof, and the first random boot in which one breaks. */
export interface Finding {
  readonly law: string | null;
  readonly boot: number | null;
}

export function find(fault: Fault): Promise<Finding> {
  return withFault(fault, (machines) => ({
    law: readLaw(() => check(machines, fault.breaks)),
    boot: findInBoots(machines),
  }));
}

function readLaw(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Enough for every fault of the changes; always the same boots. */
const boots = { numRuns: 100, seed: 7 };

function findInBoots(machines: MachinesUnderProof): number | null {
  const stage = new PuppetStage(machines);
  const at = fc
    .sample(randomBoots, boots)
    .findIndex((boot) => readLaw(() => runRandomBoot(stage, boot)) !== null);
  return at === -1 ? null : at + 1;
}

function planted(source: string, { name, file, instead, put }: Fault): string {
  if (source.includes(instead)) return source.replace(instead, put);
  throw new Error(`Cannot plant '${name}': ${file} no longer says ${instead}`);
}
