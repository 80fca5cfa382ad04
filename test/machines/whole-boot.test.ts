import { afterAll, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import type { GraphNode } from '../../src/core/schedule.ts';
import { named, type NamedPlugin } from './changing-plugins.ts';
import { distinctGraphs, sampleGraphs } from './plugin-graphs.ts';
import { exploreBoots, splits, type BootCase } from './whole-boot.ts';

const quiet = { removals: 0, isSoonUp: false };
const up = { removals: 0, isSoonUp: true };
const walks: string[] = [];

afterAll(() => console.log(walks.join('\n')));

function walk(name: string, cases: Iterable<BootCase>): number {
  let [boots, states] = [0, 0];
  for (const each of cases) {
    boots += 1;
    states += exploreBoots(machines, each);
  }
  walks.push(`whole boots, ${name}: ${boots} cases, ${states} states`);
  return states;
}

it('no init begins in any boot of two plugins while anything still migrates', () => {
  const cases = [...graphsOfTwo()].map((plugins) => ({ ...quiet, launches: [plugins] }));
  const states = walk('everything ends in every way', cases);
  expect(states).toBeGreaterThan(1_000);
}, 600_000);

it('any two plugins are removed from a boot, and what is left is stopped at the end', () => {
  const cases = [...graphsOfTwo()].map((plugins) => ({ ...up, launches: [plugins], removals: 2 }));
  const states = walk('two plugins go', cases);
  expect(states).toBeGreaterThan(1_000);
}, 600_000);

it('any plugin is added to a boot, whatever comes of its launch', () => {
  const states = walk('two plugins come', [...split(graphsOfTwo())]);
  expect(states).toBeGreaterThan(1_000);
}, 600_000);

it('plugins are added to a boot while others are removed from it', () => {
  const some = [...split(graphsOfTwo())].filter((_, index) => index % 5 === 2);
  const states = walk(
    'two plugins come and go',
    some.map((each) => ({ ...each, removals: 1 })),
  );
  expect(states).toBeGreaterThan(1_000);
}, 600_000);

it('three plugins are split into those of the boot and those that are added', () => {
  const states = walk('three plugins come', [...split(graphsOfThree())]);
  expect(states).toBeGreaterThan(1_000);
}, 600_000);

/** Every way to split the plugins of each graph into those of the boot and those that are added. */
function* split(graphs: Iterable<readonly NamedPlugin[]>): Generator<BootCase> {
  for (const plugins of graphs) {
    for (const launches of splits(plugins, 2)) {
      const [, added = []] = launches;
      if (added.length > 0) yield { ...up, launches };
    }
  }
}

function* graphsOfTwo(): Generator<readonly NamedPlugin[]> {
  for (const nodes of distinctGraphs(2)) yield toPlugins(nodes);
}

function* graphsOfThree(): Generator<readonly NamedPlugin[]> {
  for (const nodes of sampleGraphs(3, 2, 3)) yield toPlugins(nodes);
}

/** Whatever comes after another uses it. */
function toPlugins(nodes: readonly GraphNode[]): readonly NamedPlugin[] {
  const names = (indices: readonly number[]): string[] =>
    indices.map((index) => nodes[index]?.id ?? '');
  return nodes.map(({ id, required, needs, after }) =>
    named(id, { required, needs: names(needs), after: names(after), uses: names(after) }),
  );
}
