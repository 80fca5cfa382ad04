import { summarize, withColdProcesses, type ColdRun, type ColdSample } from './cold-process.ts';
import { findBackstage } from './backstage.ts';
import type { OrchestratorName } from './contenders/orchestrators.ts';
import { collectInTurn, type Rounds } from './measure.ts';

/** The boots of plugins that do nothing, by everything that can boot plugins. */
export interface OrchestratorsResult {
  readonly cases: readonly {
    readonly plugins: number;
    readonly contenders: Readonly<Partial<Record<OrchestratorName, ColdSample>>>;
  }[];
  /** Why Backstage is not among them. */
  readonly missing?: string;
}

export interface OrchestratorsOptions {
  readonly sizes: readonly number[];
  readonly rounds: Rounds;
  /** Whether Backstage's package may be installed. */
  readonly installBackstage: boolean;
}

const all: readonly OrchestratorName[] = ['slipway', 'backstage', 'avvio', 'loop'];

/** Measures each orchestrator in processes of its own, in turn. */
export async function measureOrchestrators({
  sizes,
  rounds,
  installBackstage,
}: OrchestratorsOptions): Promise<OrchestratorsResult> {
  const backstage = await findBackstage({ install: installBackstage });
  const installed = 'folder' in backstage ? { installedIn: backstage.folder } : undefined;
  const names = all.filter((name) => name !== 'backstage' || installed);
  return withColdProcesses(async (runCold) => {
    const cases: OrchestratorsResult['cases'][number][] = [];
    for (const plugins of sizes) {
      const boot = (contender: OrchestratorName): Promise<ColdRun> =>
        runCold({ group: 'orchestrators', contender, plugins, ...installed });
      const runs = await collectInTurn(names, boot, rounds);
      const samples = Object.entries(runs).map(([name, ofName]) => [name, summarize(ofName)]);
      cases.push({ plugins, contenders: Object.fromEntries(samples) });
    }
    return { cases, ...('missing' in backstage && backstage) };
  });
}
