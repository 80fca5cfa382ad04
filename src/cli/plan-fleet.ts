import { planFleet } from '../index.ts';
import { printAnswer } from './answer.ts';
import { isDoubtful } from './check-plan.ts';
import type { Input } from './command.ts';
import type { CommandOf } from './command-table.ts';
import type { FleetPlanDocument } from './documents.ts';
import type { ExitCode } from './exit-codes.ts';
import { describePlan } from './fleet-page.ts';
import { addPage } from './github.ts';
import { withFleet } from './migrate-fleet.ts';
import { count } from './page.ts';
import { readCount, readShard, refuseBeside } from './read-fleet-options.ts';

/** Shows which databases of a fleet are behind, and by what. */
export async function showFleetPlan(
  { options, output }: Input<CommandOf<'plan'>>,
  fleet: string,
): Promise<ExitCode> {
  refuseBeside(options, {
    fleet,
    names: ['sql', 'rehearse', 'within', 'functions', 'copy', 'against'],
  });
  const shard = readShard(options.shard);
  const { concurrency } = options;
  const limits = {
    ...(shard && { shard }),
    ...(concurrency !== undefined && { concurrency: readCount('concurrency', concurrency) }),
  };
  const plan = await withFleet(options.config, fleet, (boot, targets) =>
    planFleet({ targets, boot: () => boot, ...limits }),
  );
  const document: FleetPlanDocument = { format: 'slipway.fleet-plan/1', ...plan };
  printAnswer(output, options, document, (page) => describePlan(page, plan));
  await addPage('slipway plan --fleet', (page) => describePlan(page, plan), output);
  const { counts, warnings } = plan;
  const doubtful = warnings.filter(isDoubtful).length;
  const found = [
    ...(counts.failed > 0 ? [`${count(counts.failed, 'database')} with a problem`] : []),
    ...(counts.behind > 0 ? [`${count(counts.behind, 'database')} behind`] : []),
    ...(doubtful > 0 ? [count(doubtful, 'kind of warning', 'kinds of warning')] : []),
  ];
  if (!options.check || found.length === 0) return 0;
  output.note(`The check found ${found.join(', ')}.`);
  return 3;
}
