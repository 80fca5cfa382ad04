import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCycles } from '../../src/core/cycles.ts';
import { BootError } from '../../src/core/errors.ts';
import { buildGraph } from '../../src/core/graph.ts';
import type { Plugin } from '../../src/core/plugin.ts';
import { collectionRef, serviceRef, type AnyRef } from '../../src/core/service.ts';
import { createSchedule, reverseNodes, settle, takeFree } from '../../src/core/schedule.ts';
import { stableTopologicalOrder } from '../../src/core/sort.ts';

type Kind = 'needs' | 'optional' | 'after';
interface Wanted {
  readonly plugins: readonly Plugin[];
  /** Dependent and provider, by id. */
  readonly edges: readonly (readonly [string, string])[];
}

const serviceOf = (id: string) => serviceRef<string>(`${id}.api`);

/** Plugins whose edges run from later to earlier, listed in any order. */
const acyclic: fc.Arbitrary<Wanted> = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.record({
      size: fc.constant(size),
      edges: fc.array(
        fc.record({
          to: fc.nat(size - 1),
          from: fc.nat(size - 1),
          kind: fc.constantFrom<Kind>('needs', 'optional', 'after'),
        }),
        { maxLength: 30 },
      ),
      listing: fc.shuffledSubarray(
        Array.from({ length: size }, (_, index) => index),
        { minLength: size },
      ),
    }),
  )
  .map(({ size, edges, listing }) => {
    const down = edges
      .filter(({ from, to }) => from !== to)
      .map(({ from, to, kind }) => ({ from: Math.min(from, to), to: Math.max(from, to), kind }));
    const all = Array.from({ length: size }, (_, index): Plugin => {
      const mine = down.filter(({ to }) => to === index);
      const deps: Record<string, AnyRef> = {};
      for (const { from, kind } of mine) {
        const ref = serviceOf(`p${from}`);
        if (kind !== 'after') deps[`${kind}${from}`] = kind === 'needs' ? ref : ref.optional();
      }
      const after = mine.filter(({ kind }) => kind === 'after').map(({ from }) => `p${from}`);
      return { id: `p${index}`, deps, after, provides: { api: serviceOf(`p${index}`) } };
    });
    return {
      plugins: listing.flatMap((index) => all[index] ?? []),
      edges: down.map(({ from, to }) => [`p${to}`, `p${from}`] as const),
    };
  });

function problemCodes(plugins: readonly Plugin[]): readonly string[] {
  try {
    buildGraph(plugins);
    return [];
  } catch (error) {
    return error instanceof BootError ? (error.problems ?? []).map(({ code }) => code) : [];
  }
}

describe('over random graphs', () => {
  it('the order respects every edge and holds every plugin once', () => {
    fc.assert(
      fc.property(acyclic, ({ plugins, edges }) => {
        const order = buildGraph(plugins).plugins.map(({ id }) => id);
        expect(order.toSorted()).toEqual(plugins.map(({ id }) => id).toSorted());
        for (const [dependent, provider] of edges) {
          expect(order.indexOf(provider)).toBeLessThan(order.indexOf(dependent));
        }
      }),
    );
  });

  it('ties go by the order of listing: at every place stands the first listed plugin that may', () => {
    fc.assert(
      fc.property(acyclic, ({ plugins, edges }) => {
        const left = plugins.map(({ id }) => id);
        for (const { id } of buildGraph(plugins).plugins) {
          const firstFree = left.find(
            (candidate) =>
              !edges.some(
                ([dependent, provider]) => dependent === candidate && left.includes(provider),
              ),
          );
          expect(id).toBe(firstFree);
          left.splice(left.indexOf(id), 1);
        }
      }),
    );
  });

  it('every planted problem is found, whatever else is wrong', () => {
    const faults = {
      PLUGIN_DUPLICATE: [{ id: 'twin' }, { id: 'twin' }],
      PLUGIN_ID_INVALID: [{ id: 'Not Kebab' }],
      SCHEMA_NAME_TOO_LONG: [{ id: 'x'.repeat(70) }],
      SERVICE_MISSING: [{ id: 'lonely', deps: { gone: serviceRef('gone.api') } }],
      SERVICE_DUPLICATE: [
        { id: 'one', provides: { api: serviceOf('shared') } },
        { id: 'two', provides: { api: serviceOf('shared') } },
      ],
      SERVICE_AMBIGUOUS: [
        { id: 'single', provides: { api: serviceOf('both') } },
        { id: 'plural', provides: { api: collectionRef('both.api') } },
      ],
      DEPENDENCY_CYCLE: [
        { id: 'hen', after: ['egg'] },
        { id: 'egg', after: ['hen'] },
      ],
      DEP_KEY_RESERVED: [
        { id: 'rude', deps: { signal: serviceOf('host') } },
        { id: 'host-of-rude', provides: { api: serviceOf('host') } },
      ],
    } satisfies Record<string, readonly Plugin[]>;
    const codes = Object.keys(faults) as (keyof typeof faults)[];
    fc.assert(
      fc.property(acyclic, fc.subarray(codes, { minLength: 1 }), ({ plugins }, planted) => {
        const broken = [...plugins, ...planted.flatMap((code): readonly Plugin[] => faults[code])];
        expect([...problemCodes(broken)].toSorted()).toEqual(planted.toSorted());
      }),
    );
  });

  it('the way down is right for every order of listing: nothing stops before what depends on it', () => {
    fc.assert(
      fc.property(acyclic, ({ plugins, edges }) => {
        const { nodes } = buildGraph(plugins);
        const stopped: string[] = [];
        let schedule = createSchedule(reverseNodes(nodes));
        while (schedule.open > 0) {
          const turn = takeFree(schedule, 1);
          const [index] = turn.taken;
          if (index === undefined) throw new Error('the way down is stuck');
          stopped.push(schedule.nodes[index]?.id ?? '');
          ({ schedule } = settle(turn.schedule, { index, outcome: 'done' }));
        }
        for (const [dependent, provider] of edges) {
          expect(stopped.indexOf(dependent)).toBeLessThan(stopped.indexOf(provider));
        }
      }),
    );
  });

  it('there is an order if and only if there is no cycle, and a cycle is made of edges', () => {
    const graph = fc.integer({ min: 1, max: 9 }).chain((size) =>
      fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 3 }), {
        minLength: size,
        maxLength: size,
      }),
    );
    fc.assert(
      fc.property(graph, (successors) => {
        const cycles = findCycles(successors);
        expect(stableTopologicalOrder(successors) === undefined).toBe(cycles.length > 0);
        for (const cycle of cycles) {
          cycle.forEach((node, at) => {
            expect(successors[node]).toContain(cycle[(at + 1) % cycle.length]);
          });
          expect(new Set(cycle).size).toBe(cycle.length);
        }
      }),
    );
  });
});
