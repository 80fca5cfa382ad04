import type { WrongTable } from './compare-contents.ts';
import type { RoundPlan } from './round.ts';
import type { Failure } from './replica.ts';

const repeatable =
  'A file without a transaction runs again after a kill: write each statement so that it may, such as with IF NOT EXISTS or ON CONFLICT DO NOTHING.';
const outside =
  'A function in a transaction runs again after a kill, and what it did outside of that transaction stays: use only the client that it gets.';
const oneByOne =
  'Replicas run init at the same time: move the statement to a migration, or run it with runOnce() of coreServices.advisoryLock.';

/** What to do about a replica that does not come up. */
export function adviseFailed(failed: Failure, plan: RoundPlan): string {
  const { moment } = plan;
  if (moment?.kind === 'statement' && failed.code.startsWith('MIGRATION')) return adviseFile(plan);
  if (moment?.kind === 'init') {
    return `init of ${moment.plugin} was killed half-way, and the next one has to cope with that: run its statements in one transaction. ${oneByOne}`;
  }
  return failed.code.startsWith('INIT') || failed.code.startsWith('READY')
    ? oneByOne
    : 'A single boot of the same plugins comes up.';
}

/** What to do about a table that has other rows than a single boot leaves. */
export function adviseRows({ table, rows, expected }: WrongTable, plan: RoundPlan): string {
  const { moment } = plan;
  if (moment?.kind === 'statement') return adviseFile(plan);
  if (moment?.kind === 'init' && rows < expected) {
    return `init of ${moment.plugin} was killed half-way, and the next one takes what it finds for the whole: write the rows in one transaction, or in a migration.`;
  }
  return `Every replica writes these rows in init or ready, or one writes them again: insert them in a migration, or with ON CONFLICT DO NOTHING on a unique key. If a row for each replica is meant, list '${table}' in mayDiffer.`;
}

/** What to do about objects that are not those of a single boot. */
export function adviseStructure(plan: RoundPlan): string {
  return plan.moment?.kind === 'statement'
    ? adviseFile(plan)
    : `What init creates depends on who comes first. ${oneByOne}`;
}

function adviseFile({ moment }: RoundPlan): string {
  if (moment?.kind !== 'statement') return oneByOne;
  const { transaction, isFunction } = moment;
  if (!transaction) {
    return isFunction ? `${repeatable} Or leave out transaction: false.` : repeatable;
  }
  return isFunction ? outside : `After a kill ${moment.file} runs again from its beginning.`;
}
