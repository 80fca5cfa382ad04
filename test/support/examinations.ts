import {
  examine,
  type BootOptions,
  type Check,
  type CheckId,
  type Examination,
  type ExamineOptions,
} from '../../src/index.ts';

/** Returns one check of an examination. */
export function findCheck(id: CheckId, { checks }: Examination): Check {
  const found = checks.find((each) => each.id === id);
  if (!found) throw new Error(`The examination has no check ${id}`);
  return found;
}

/** Examines a host, and returns one check. */
export async function check(
  id: CheckId,
  options: BootOptions,
  how?: ExamineOptions,
): Promise<Check> {
  return findCheck(id, await examine(options, how));
}
