import type { Plugin } from '../../core/plugin.ts';
import { withServer, type DatabaseMaker, type ServerSource } from '../stock/fresh-database.ts';
import { describePlan, judgeRound } from './judge-round.ts';
import { localReplicas } from './local-replica.ts';
import { chooseMoments, type Moment } from './moments.ts';
import { NoReference, withReference, type Reference } from './reference.ts';
import { replicaProcesses } from './replica-process.ts';
import type { ReplicaBootOptions, ReplicaStarter } from './replica.ts';
import { runRound } from './round.ts';

/** What is to be done, with all options. */
export interface ReplicasPlan {
  /** The plugins, or the modules that processes import. */
  readonly backend:
    | { readonly plugins: readonly Plugin[] }
    | { readonly program: URL; readonly modules: readonly string[] };
  readonly server: ServerSource | undefined;
  readonly boot: ReplicaBootOptions;
  readonly replicas: number;
  readonly kills: number;
  readonly randomSeed: number;
  readonly mayDiffer: readonly string[];
  readonly timeoutMs: number;
}

/** What the rounds have shown. */
export interface ReplicasResult {
  /** The first round that leaves something else than a single boot, for people. */
  readonly problem?: string;
  readonly rounds: readonly string[];
  readonly leftOut: ReadonlyMap<string, string>;
}

/** Boots once, then several replicas at once, and then again for each kill, until a round leaves something else. */
export async function runReplicas(plan: ReplicasPlan): Promise<ReplicasResult> {
  const { backend, boot } = plan;
  const starter =
    'modules' in backend
      ? replicaProcesses(backend.program, backend.modules, boot)
      : localReplicas(backend.plugins, boot);
  return withServer(plan.server, async (maker) => {
    try {
      return await withReference(maker, starter, plan, (reference) =>
        runRounds(maker, starter, reference, plan),
      );
    } catch (error) {
      if (!(error instanceof NoReference)) throw error;
      const problem = `a single boot does not come up\n\n${error.message}`;
      return { problem, rounds: [], leftOut: new Map() };
    }
  });
}

async function runRounds(
  { withDatabase }: DatabaseMaker,
  starter: ReplicaStarter,
  reference: Reference,
  { replicas, kills, randomSeed, timeoutMs }: ReplicasPlan,
): Promise<ReplicasResult> {
  const { leftOut } = reference;
  const chosen = chooseMoments(reference.moments, kills, randomSeed);
  const rounds: string[] = [];
  for (const moment of [undefined, ...chosen] as readonly (Moment | undefined)[]) {
    const plan = { replicas, timeoutMs, ...(moment && { moment }) };
    const result = await withDatabase((database) => runRound(plan, database, starter, reference));
    rounds.push(describePlan(replicas, moment));
    const wrong = judgeRound(result, reference);
    if (wrong.length === 0) continue;
    const repeat = `randomSeed ${randomSeed}, round ${rounds.length} of ${chosen.length + 1}`;
    const problem = `${rounds.at(-1)}\n\n  ${wrong.join('\n\n  ')}\n\n  (${repeat})`;
    return { problem, rounds, leftOut };
  }
  return { rounds, leftOut };
}
