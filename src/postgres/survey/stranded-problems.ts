import { problem, type Problem } from '../../core/error-codes.ts';
import { listNames } from '../../core/printable.ts';
import { describeObject } from './public-objects.ts';
import { repairCall } from '../../core/repair-call.ts';
import type { StrandedObjects } from './stranded-objects.ts';

/** Makes the problems of objects that are in `public`, with the call that moves them. */
export function findStrandedProblems(
  { id, schema }: { readonly id: string; readonly schema: string },
  { certain, disputed }: StrandedObjects,
): readonly Problem[] {
  const found = (message: string, hint: string): Problem =>
    problem('MIGRATION_STRANDED_OBJECTS', `${id}: ${message}`, { plugin: id, hint });
  const lacked = `and its schema ${schema} lacks, though its history has them`;
  return [
    ...(certain.length === 0
      ? []
      : [
          found(
            `public has ${listNames(certain.map(describeObject))}, which belong to it ${lacked}`,
            `${repairCall('relocate', id)} moves them, with their data; with { dryRun: true } it shows the statements, and changes nothing.`,
          ),
        ]),
    ...(disputed.length === 0
      ? []
      : [
          found(
            `public has ${listNames(disputed.map((each) => `${describeObject(each)} (also of ${listNames(each.others)})`))}, which belong to one of several plugins, ${lacked}`,
            `Find out whose they are, and name them: ${repairCall(
              'relocate',
              id,
              disputed.map(({ name }) => name),
            )}`,
          ),
        ]),
  ];
}
