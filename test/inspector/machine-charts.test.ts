import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { describeMachines } from '../../machines/index.ts';
import { readStory } from '../../src/insight.ts';
import type { Place } from '../../src/inspector/page/chart/chart-place.ts';
import {
  findLitState,
  listWaysOut,
  nameEdge,
  nestMachines,
  replayRecords,
  sumVisits,
} from '../../src/inspector/page/machines/machine-history.ts';
import { layoutMachine } from '../../src/inspector/page/machines/machine-layout.ts';
import { layoutRows } from '../../src/inspector/page/machines/machine-rows.ts';
import { describeMachine } from '../../src/inspector/page/machines/machine-text.ts';
import { replayMachines } from '../support/replay-machines.ts';
import { findOverlaps } from './overlaps.ts';

const recordings = ['before', 'after'].map(
  (name) => new URL(`../../docs/examples/insight/${name}.jsonl`, import.meta.url),
);
const stories = await Promise.all(recordings.map((url) => readStory(url)));
const machines = describeMachines();

describe('the states of the machines', () => {
  it('are at every moment those that the records tell', () => {
    for (const story of stories) {
      fc.assert(
        fc.property(fc.double({ min: 0, max: story.nowMs, noNaN: true }), (ms) => {
          const { machineRecords } = story.at(ms);
          const histories = replayRecords(machineRecords);
          const { alive, states } = replayMachines(machineRecords, story.machines);
          const lit = [...histories].flatMap(([src, history]) => {
            const state = findLitState(history);
            return state === undefined ? [] : [[src, state]];
          });
          expect(lit).toEqual([...alive.values()].map(({ src, state }) => [src, state]));
          expect(
            Object.fromEntries([...histories].map(([src, { state }]) => [src, state])),
          ).toEqual(states);
        }),
      );
    }
  });

  it('share the time of their machine without a gap', () => {
    for (const story of stories) {
      for (const [src, history] of replayRecords(story.machineRecords)) {
        const { states = [] } = story.machines.find(({ id }) => id === src) ?? {};
        const sum = states.reduce(
          (all, { name }) => all + (sumVisits(history, name, story.nowMs) ?? 0),
          0,
        );
        expect(sum).toBeCloseTo((history.ended?.atMs ?? story.nowMs) - history.beganMs);
      }
    }
  });

  it('count every transition that was taken, once among the ways out of its state', () => {
    for (const { machineRecords, machines: recorded } of stories) {
      for (const [src, history] of replayRecords(machineRecords)) {
        const { states = [] } = recorded.find(({ id }) => id === src) ?? {};
        const counts = states.flatMap((state) =>
          listWaysOut(state, history).map(({ count }) => count),
        );
        expect(counts.reduce((sum, each) => sum + each, 0)).toBe(history.transitions.length);
      }
    }
  });

  it('tell how a machine ended, and that it has not begun', () => {
    const [story] = stories;
    const histories = replayRecords(story?.machineRecords ?? []);
    expect(describeMachine(histories.get('launch'), 0)).toMatch(
      /^ended in launched after 2\.\d\ds$/,
    );
    expect(describeMachine(replayRecords([]).get('launch'), 0)).toBe('not begun');
  });
});

describe('the drawing of the machines', () => {
  it('has a place for every state, and an edge for every way from one to another', () => {
    for (const machine of machines) {
      const { places, edges } = layoutMachine(machine);
      expect([...places.keys()].toSorted()).toEqual(
        machine.states.map(({ name }) => name).toSorted(),
      );
      const ways = machine.states.flatMap(({ name, transitions = [] }) =>
        transitions.flatMap(({ target }) => (target === undefined ? [] : nameEdge(name, target))),
      );
      expect(new Set(edges.map(({ name }) => name))).toEqual(new Set(ways));
      expect(edges).toHaveLength(new Set(ways).size);
    }
  });

  it('goes from left to right, and back below its states', () => {
    const back: string[] = [];
    for (const machine of machines) {
      const { places, edges } = layoutMachine(machine);
      for (const { from, to, points } of edges) {
        const [start, end] = [places.get(from), places.get(to)];
        if (!start || !end || start.x < end.x) continue;
        back.push(`${machine.id}: ${from} ${to}`);
        expect(Math.max(...points.map(({ y }) => y))).toBeGreaterThan(start.y + start.height);
      }
    }
    expect(back).toEqual([
      'changes: launching serving',
      'changes: undoing serving',
      'changes: removing serving',
    ]);
  });

  it.each([false, true])('has no labels or states that overlap (narrow: %s)', (isNarrow) => {
    const { rows, places, width, height } = layoutRows(machines, isNarrow);
    const boxes = new Map<string, Place>(places);
    for (const { machine, title } of rows) {
      boxes.set(`title of ${machine.id}`, { ...title, width: 300, height: 20 });
    }
    expect(findOverlaps(boxes)).toEqual([]);
    for (const { x, y, ...size } of places.values()) {
      expect(x + size.width).toBeLessThanOrEqual(width);
      expect(y + size.height).toBeLessThanOrEqual(height);
    }
  });

  it('fits beside the details in a window of 1280 px, and a narrow one in 1024 px', () => {
    expect(layoutRows(machines).width).toBeLessThanOrEqual(1280 - 384 - 15);
    expect(layoutRows(machines, true).width).toBeLessThanOrEqual(1024 - 320 - 15);
  });

  it('puts each machine behind the state that begins it', () => {
    const places = nestMachines(machines).map(({ machine, depth, parent }) => [
      machine.id,
      depth,
      parent && `${parent.machine}.${parent.state}`,
    ]);
    expect(places).toEqual([
      ['boot', 0, undefined],
      ['launch', 1, 'boot.launching'],
      ['migrateAll', 2, 'launch.migrateAll'],
      ['initAll', 2, 'launch.initAll'],
      ['changes', 1, 'boot.ready'],
      ['stopAll', 1, 'boot.stopAll'],
    ]);
  });

  it('ends when a machine goes round in a circle', () => {
    const machine = {
      id: 'circle',
      initial: 'a',
      states: [
        { name: 'a', transitions: [{ event: 'NEXT', target: 'b' }] },
        { name: 'b', transitions: [{ event: 'BACK', target: 'a' }] },
      ],
    };
    expect(layoutMachine(machine).edges.map(({ name }) => name)).toEqual(['a b', 'b a']);
  });
});
