import type { AnyEventObject } from 'xstate';
import type * as Machines from '../../machines/index.ts';
import { named, toNodes, type NamedPlugin, type Up } from './changing-plugins.ts';
import { observeChanges, widths, type ChangesMemory } from './changes-laws.ts';
import type { Model } from './explore.ts';

/** How many changes are asked at most. */
const mostChanges = 3;

/** Boots that are up, before anything has changed. */
const beginnings: readonly Up[] = [
  { plugins: [], started: [] },
  {
    // `c` may use `a`, `d` only comes after it, and `lost` is optional and did not start.
    plugins: [
      named('a'),
      named('b', { needs: ['a'] }),
      named('lost', { required: false, needs: ['a'] }),
      named('c', { after: ['a', 'lost'], uses: ['a'] }),
      named('d', { after: ['a', 'c'] }),
    ],
    started: ['a', 'b', 'c', 'd'],
  },
];

/** The plugins of a launch: one needs `a`, and takes along what uses it. They may come again after they were removed. */
const addable: readonly NamedPlugin[] = [
  named('a'),
  named('new', { needs: ['a'] }),
  named('user', { required: false, after: ['new', 'b'], uses: ['new'] }),
];

/** The changes machine alone: it is asked whatever can be asked, and launches and stops end in every way. */
export function* changesModels({
  changesMachine,
}: Pick<typeof Machines, 'changesMachine'>): Generator<Model<ChangesMemory>> {
  for (const up of beginnings) {
    const memory: ChangesMemory = {
      up,
      addable,
      pending: [],
      alive: null,
      failed: null,
      asked: 0,
      stopSent: false,
    };
    yield {
      machine: changesMachine,
      input: { nodes: toNodes(up.plugins), started: up.started, ...widths },
      memory,
      observe: observeChanges,
      events: (_, seen) => [
        { type: 'STOP', reason: 'SIGTERM' },
        ...listChanges(seen),
        ...listEnds(seen),
      ],
      view: ({ value, context }, seen) => JSON.stringify([value, context, seen]),
    };
  }
}

function listChanges({ asked }: ChangesMemory): readonly Machines.Change[] {
  if (asked === mostChanges) return [];
  const removal = asked + 1;
  return [
    { type: 'ADD', launch: asked + 2 },
    ...['a', 'new', 'd', 'absent'].flatMap((plugin) =>
      [true, false].map(
        (withDependents) => ({ type: 'REMOVE', removal, plugin, withDependents }) as const,
      ),
    ),
  ];
}

function listEnds({ alive, up }: ChangesMemory): readonly AnyEventObject[] {
  if (!alive) return [];
  const failed = [{ plugin: 'a', error: 'broken' }];
  const outputs = alive === 'launch' ? listLaunches(up) : [{ failures: [] }, { failures: failed }];
  return outputs.map((output) => ({
    type: `xstate.done.actor.${alive}`,
    actorId: alive,
    output,
  }));
}

/** Every end of a launch that brings what is not there yet. */
function listLaunches(up: Up): readonly Machines.LaunchOutput[] {
  const isThere = ({ id }: NamedPlugin): boolean => up.plugins.some((other) => other.id === id);
  const added = addable.filter((plugin) => !isThere(plugin));
  const all = added.map(({ id }) => id);
  const first = all.slice(0, 1);
  const failures = [{ error: 'broken' }];
  const sorted = { nodes: toNodes(added), allNodes: toNodes([...up.plugins, ...added]) };
  const unsorted = { nodes: [], allNodes: [], started: [], failures };
  const clean = { degraded: false, failures: [], phase: 'initAll' } as const;
  return [
    { ...clean, ...sorted, outcome: 'launched', started: all },
    { ...clean, ...sorted, outcome: 'launched', started: first, degraded: true, failures },
    { ...clean, ...sorted, outcome: 'failed', started: first, failures },
    { ...clean, ...sorted, outcome: 'failed', started: [], failures, phase: 'migrateAll' },
    { ...clean, ...unsorted, outcome: 'failed', phase: 'sort' },
    { ...clean, ...sorted, outcome: 'canceled', started: all },
    { ...clean, ...unsorted, outcome: 'canceled', failures: [], phase: 'discover' },
  ];
}
