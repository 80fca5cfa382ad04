import type { GraphNode } from '../../src/core/schedule.ts';
import type * as Machines from '../../machines/index.ts';
import { bootModel } from './boot-model.ts';
import { explore, type Model } from './explore.ts';
import { launchModel } from './launch-model.ts';
import {
  initAllModel,
  migrateAllModel,
  stopAllModel,
  type PhaseCase,
  type World,
} from './phase-models.ts';
import { pluginGraphs, subsets } from './plugin-graphs.ts';

/** The machines under proof, so that also broken ones can be given. */
export type MachinesUnderProof = Pick<
  typeof Machines,
  'bootMachine' | 'launchMachine' | 'migrateAllMachine' | 'initAllMachine' | 'stopAllMachine'
>;

export type Part = 'boot' | 'launch' | 'migrateAll' | 'initAll' | 'stopAll';

export interface Proof {
  readonly models: number;
  readonly states: number;
  readonly edges: number;
}

/** How much of the space of graphs and worlds is walked. */
interface Extent {
  readonly size: number;
  readonly world: World;
  readonly widths: readonly number[];
  /** Every set of plugins that are up to date or lost, or only the empty one. */
  readonly presets: 'all' | 'none';
}

/**
 * All graphs of up to three plugins. With three of them the world does only what is essential, every plugin has
 * something to do, and the width stays below their number: two plugins already show every way in which a task can end
 * and a plugin can have nothing to do.
 */
const extents: readonly Extent[] = [
  { size: 0, world: 'everything', widths: [1], presets: 'all' },
  { size: 1, world: 'everything', widths: [1, 2], presets: 'all' },
  { size: 2, world: 'everything', widths: [1, 2], presets: 'all' },
  { size: 3, world: 'essential', widths: [1, 2], presets: 'none' },
];

/** Proves the laws of one part over everything that can happen; throws with the way to the first broken one. */
export function check(machines: MachinesUnderProof, part: Part): Proof {
  let proof: Proof = { models: 0, states: 0, edges: 0 };
  const prove = <Memory>(model: Model<Memory>): void => {
    const { states, edges } = explore(model);
    proof = {
      models: proof.models + 1,
      states: proof.states + states,
      edges: proof.edges + edges,
    };
  };
  switch (part) {
    case 'boot':
      prove(bootModel(machines));
      break;
    case 'launch':
      prove(launchModel(machines, 'ready'));
      prove(launchModel(machines, 'migrated'));
      break;
    case 'migrateAll':
      for (const [phase, presets] of casesOf('all'))
        prove(migrateAllModel(machines, phase, presets));
      break;
    case 'initAll':
      for (const [phase, lost] of casesOf('lost')) prove(initAllModel(machines, phase, lost));
      break;
    case 'stopAll':
      for (const [phase, started] of casesOf('started')) {
        prove(stopAllModel(machines, phase, started));
      }
      break;
  }
  return proof;
}

function* casesOf(kind: 'all' | 'lost' | 'started'): Generator<[PhaseCase, readonly string[]]> {
  for (const { size, world, widths, presets } of extents) {
    for (const nodes of pluginGraphs(size)) {
      const ids = nodes.map(({ id }) => id);
      const isOpen = kind === 'started' || presets === 'all';
      const sets = (isOpen ? subsets(ids) : [[]]).filter(
        (set) => kind !== 'lost' || canBeLost(nodes, set),
      );
      for (const width of kind === 'started' ? [1] : widths) {
        for (const set of sets) yield [{ nodes, width, world }, set];
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
