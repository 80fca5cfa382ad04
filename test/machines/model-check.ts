import type { GraphNode } from '../../src/core/schedule.ts';
import type * as Machines from '../../machines/index.ts';
import { bootModel } from './boot-model.ts';
import { changesModels } from './changes-model.ts';
import { explore, type Model } from './explore.ts';
import { launchModel } from './launch-model.ts';
import {
  initAllModel,
  migrateAllModel,
  stopAllModel,
  type PhaseCase,
  type World,
} from './phase-models.ts';
import {
  countSideBySide,
  distinctGraphs,
  pluginGraphs,
  sampleGraphs,
  subsets,
} from './plugin-graphs.ts';

/** The machines under proof, so that also broken ones can be given. */
export type MachinesUnderProof = Pick<
  typeof Machines,
  | 'bootMachine'
  | 'launchMachine'
  | 'changesMachine'
  | 'provideMachines'
  | 'migrateAllMachine'
  | 'initAllMachine'
  | 'stopAllMachine'
>;

export type Part = 'boot' | 'launch' | 'changes' | 'migrateAll' | 'initAll' | 'stopAll';

export interface Proof {
  readonly graphs: number;
  readonly models: number;
  readonly states: number;
  readonly edges: number;
}

/** How much of the space of graphs and worlds is walked. */
interface Extent {
  readonly graphs: () => Iterable<readonly GraphNode[]>;
  readonly world: World;
  readonly view: PhaseCase['view'];
  readonly widths: readonly number[];
  /** Every set of plugins that are up to date or lost, or only the empty one. */
  readonly presets: 'all' | 'none';
}

const everything = { world: 'everything', view: 'exact', presets: 'all' } as const;
const larger = { world: 'essential', presets: 'none', widths: [1, 2, 3] } as const;

/** Which graphs of five plugins are walked: always the same. */
const sample = { count: 100, seed: 5 };

/**
 * All graphs of up to four plugins, and some of five; from three on those that differ only in names are walked once. With three of them the world does only what is essential and every plugin
 * has something to do: two plugins already show every way in which a task can end and a plugin can have nothing to do. With four
 * the graphs share what lies ahead.
 */
const extents: readonly Extent[] = [
  { graphs: () => pluginGraphs(0), ...everything, widths: [1] },
  { graphs: () => pluginGraphs(1), ...everything, widths: [1, 2] },
  { graphs: () => pluginGraphs(2), ...everything, widths: [1, 2] },
  { graphs: () => distinctGraphs(3), ...larger, view: 'exact' },
  { graphs: () => distinctGraphs(4), ...larger, view: 'ahead' },
  { graphs: () => sampleGraphs(5, sample.count, sample.seed), ...larger, view: 'ahead' },
];

/** Proves the laws of one part over everything that can happen; throws with the way to the first broken one. */
export function check(machines: MachinesUnderProof, part: Part): Proof {
  let proof: Proof = { graphs: 0, models: 0, states: 0, edges: 0 };
  const walked = new Set<string>();
  const prove = <Memory>(model: Model<Memory>, view?: PhaseCase['view']): void => {
    const { states, edges } = explore(model, view === 'ahead' ? walked : undefined);
    proof = {
      graphs: proof.graphs,
      models: proof.models + 1,
      states: proof.states + states,
      edges: proof.edges + edges,
    };
  };
  const proveAll = <Memory>(
    kind: Kind,
    model: (phase: PhaseCase, set: readonly string[]) => Model<Memory>,
  ): void => {
    let last: readonly GraphNode[] | null = null;
    for (const [phase, set] of casesOf(kind)) {
      prove(model(phase, set), phase.view);
      if (phase.nodes !== last) proof = { ...proof, graphs: proof.graphs + 1 };
      last = phase.nodes;
    }
  };
  switch (part) {
    case 'boot':
      prove(bootModel(machines));
      break;
    case 'launch':
      prove(launchModel(machines, { launch: 1, until: 'ready' }));
      prove(launchModel(machines, { launch: 1, until: 'migrated' }));
      prove(launchModel(machines, { launch: 2, until: 'ready' }));
      break;
    case 'changes':
      for (const model of changesModels(machines)) prove(model);
      break;
    case 'migrateAll':
      proveAll('all', (phase, upToDate) => migrateAllModel(machines, phase, upToDate));
      break;
    case 'initAll':
      proveAll('lost', (phase, lost) => initAllModel(machines, phase, lost));
      break;
    case 'stopAll':
      proveAll('started', (phase, started) => stopAllModel(machines, phase, started));
      break;
  }
  return proof;
}

/** What the sets of plugins are that a phase is told of. */
type Kind = 'all' | 'lost' | 'started';

function* casesOf(kind: Kind): Generator<[PhaseCase, readonly string[]]> {
  for (const { graphs, world, view, widths, presets } of extents) {
    for (const nodes of graphs()) {
      // Stops ask nobody whether he is required.
      if (kind === 'started' && view === 'ahead' && nodes.some(({ required }) => !required))
        continue;
      const ids = nodes.map(({ id }) => id);
      const isOpen = kind === 'started' || presets === 'all';
      const sets = (isOpen ? subsets(ids) : [[]]).filter(
        (set) => kind !== 'lost' || canBeLost(nodes, set),
      );
      const most = view === 'exact' ? Infinity : Math.max(1, countSideBySide(nodes));
      for (const width of kind === 'started' ? [1] : widths) {
        if (width > most) continue;
        for (const set of sets) yield [{ nodes, width, world, view }, set];
      }
    }
  }
}

/** Only optional plugins can be lost when migrateAll is done, and with one all that need it. */
function canBeLost(nodes: readonly GraphNode[], lost: readonly string[]): boolean {
  return nodes.every(({ id, required, needs }) => {
    if (lost.includes(id)) return !required;
    return !needs.some((index) => lost.includes(nodes[index]?.id ?? ''));
  });
}
