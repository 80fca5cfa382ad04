import type { Failure, Heard } from './replica.ts';
import { adviseFailed, adviseRows, adviseStructure } from './advice.ts';
import { nameMoment, type Moment } from './moments.ts';
import type { Reference } from './reference.ts';
import type { RoundResult } from './round.ts';

/** Lists what is wrong in a round, each fault with what to do. The list is empty when all is as a single boot leaves it. */
export function judgeRound(
  result: RoundResult,
  { files }: Pick<Reference, 'files'>,
): readonly string[] {
  const { plan, settled, structure, tables } = result;
  const failed = describeFailed(result);
  // What a replica that failed has not done is no second fault.
  if (failed.length > 0) return failed;
  const all = settled.map(({ replica }) => replica.heard);
  const isKilled = settled.some(({ settlement }) => settlement.outcome === 'killed');
  return [
    ...countApplied(all, files, isKilled),
    ...all.flatMap(findEarlyInit),
    ...(structure.length === 0
      ? []
      : [`${structure.join('\n  ')}\n${arrow(adviseStructure(plan))}`]),
    ...tables.map((wrong) => `${wrong.text}\n${arrow(adviseRows(wrong, plan))}`),
  ];
}

/** Describes the replicas that do not come up, those with the same error together. */
function describeFailed({ plan, settled }: RoundResult): readonly string[] {
  const alike = new Map<string, { readonly numbers: number[]; readonly failure: Failure }>();
  for (const { replica, settlement } of settled) {
    if (settlement.outcome !== 'failed') continue;
    // Times and pids differ.
    const key = settlement.text.replaceAll(/\d+/g, '');
    const known = alike.get(key);
    known?.numbers.push(replica.number);
    if (!known) alike.set(key, { numbers: [replica.number], failure: settlement });
  }
  return [...alike.values()].map(({ numbers, failure }) => {
    const who =
      numbers.length === 1
        ? `replica ${numbers[0]} does not come up`
        : `replicas ${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)} do not come up`;
    return `${who}:\n${indent(failure.text)}\n${arrow(adviseFailed(failure, plan))}`;
  });
}

/** Each file has to be applied by one replica. One that was killed may not have come to say so. */
export function countApplied(
  heard: readonly (readonly Heard[])[],
  files: ReadonlyMap<string, readonly string[]>,
  isKilled: boolean,
): readonly string[] {
  const applied = heard.flat().filter((each) => each.kind === 'applied');
  return [...files].flatMap(([plugin, own]) =>
    own.flatMap((file) => {
      const times = applied.filter((each) => each.plugin === plugin && each.file === file).length;
      if (times === 1 || (times === 0 && isKilled)) return [];
      return [`${file} of ${plugin} was applied ${times} times, by all replicas together`];
    }),
  );
}

/** No plugin of a replica may start before that replica has seen every migration done. */
export function findEarlyInit(heard: readonly Heard[]): readonly string[] {
  const migrated = heard.findIndex(({ kind }) => kind === 'migrated');
  return heard.flatMap((each, index) =>
    each.kind === 'init' && (migrated === -1 || index < migrated)
      ? [`init of ${each.plugin} began before its migrations had ended`]
      : [],
  );
}

/** Describes what was done in a round. */
export function describePlan(replicas: number, moment: Moment | undefined): string {
  const several = `${replicas} replicas booted at once`;
  return moment === undefined ? several : `${several}, and one was killed ${nameMoment(moment)}`;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.*\S)/gm, '    ');
}

function arrow(advice: string): string {
  return `    → ${advice}`;
}
