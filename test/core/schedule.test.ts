import { describe, expect, it } from 'vitest';
import {
  abandon,
  createSchedule,
  describeLoss,
  isFatal,
  requeue,
  reverseNodes,
  settle,
  takeFree,
  type GraphNode,
  type Schedule,
} from '../../src/core/schedule.ts';
import type { Outcome } from '../../src/core/steps.ts';

function node(id: string, edges: Partial<GraphNode> = {}): GraphNode {
  return { id, required: true, needs: [], after: [], ...edges };
}

function after(schedule: Schedule, index: number, outcome: Outcome): Schedule {
  return settle(schedule, { index, outcome }).schedule;
}

describe('a schedule', () => {
  it('frees a node once all it needs and all that comes before it has settled', () => {
    const nodes = [node('a'), node('b'), node('c', { needs: [0], after: [1] })];
    const begun = takeFree(createSchedule(nodes), 9);
    expect(begun.taken).toEqual([0, 1]);

    const half = after(begun.schedule, 0, 'done');
    expect(takeFree(half, 9).taken).toEqual([]);
    expect(takeFree(after(half, 1, 'done'), 9).taken).toEqual([2]);
  });

  it('lets a node begin after one that failed when it merely comes later', () => {
    const { schedule } = takeFree(createSchedule([node('a'), node('b', { after: [0] })]), 9);

    expect(takeFree(after(schedule, 0, 'failed'), 9).taken).toEqual([1]);
  });

  it('settles as dependency all that needs a failed node, each once, with the reason', () => {
    const nodes = [node('a'), node('b', { needs: [0] }), node('c', { needs: [0, 1] })];
    const { settled, schedule } = settle(createSchedule(nodes), { index: 0, outcome: 'timeout' });

    expect(settled).toEqual([
      { index: 0, outcome: 'timeout' },
      { index: 1, outcome: 'dependency', because: 'a timed out' },
      { index: 2, outcome: 'dependency', because: 'a timed out' },
    ]);
    expect(schedule.open).toBe(0);
  });

  it('leaves open what needs a canceled node', () => {
    const begun = takeFree(createSchedule([node('a'), node('b', { needs: [0] })]), 9);
    const { settled, schedule } = settle(begun.schedule, { index: 0, outcome: 'canceled' });

    expect(settled).toHaveLength(1);
    expect(takeFree(schedule, 9).taken).toEqual([]);
    expect(abandon(schedule, 'SIGTERM').settled).toEqual([
      { index: 1, outcome: 'notReached', because: 'SIGTERM' },
    ]);
  });

  it('takes no more than there is room for, in topological order', () => {
    const first = takeFree(createSchedule([node('a'), node('b'), node('c')]), 2);

    expect(first.taken).toEqual([0, 1]);
    expect(takeFree(first.schedule, 1).taken).toEqual([2]);
  });

  it('settles presets in their turn, without taking room for them', () => {
    const nodes = [node('a'), node('b', { needs: [0] }), node('c')];
    const schedule = createSchedule(nodes, new Map([['a', { outcome: 'upToDate' }]]));
    const { settled, taken } = takeFree(schedule, 1);

    expect(settled).toEqual([{ index: 0, outcome: 'upToDate' }]);
    expect(taken).toEqual([1]);
  });

  it('starts a node that gave its turn back only when no other may start', () => {
    const { schedule } = takeFree(createSchedule([node('a'), node('b')]), 1);
    const again = takeFree(requeue(schedule, 0), 1);
    expect(again.taken).toEqual([1]);

    expect(takeFree(again.schedule, 1).taken).toEqual([0]);
  });

  it('abandons only what is open, and nothing begins after that', () => {
    const { schedule } = takeFree(createSchedule([node('a'), node('b'), node('c')]), 1);
    const { schedule: rest, settled } = abandon(after(schedule, 0, 'done'), 'b failed');

    expect(settled.map(({ index }) => index)).toEqual([1, 2]);
    expect(rest.outcomes.flat()).toEqual(['done', 'notReached', 'notReached']);
    expect(takeFree(rest, 9).taken).toEqual([]);
    expect(rest.open).toBe(0);
  });
});

it('only a required node that did not succeed is fatal', () => {
  const schedule = createSchedule([node('a'), node('b', { required: false })]);

  expect(isFatal(schedule, [{ index: 0, outcome: 'upToDate' }])).toBe(false);
  expect(isFatal(schedule, [{ index: 1, outcome: 'failed' }])).toBe(false);
  expect(isFatal(schedule, [{ index: 0, outcome: 'canceled' }])).toBe(true);
});

it('on the way down every edge is turned round, and nothing is required or needed', () => {
  const nodes = [node('a'), node('b', { needs: [0] }), node('c', { after: [0], needs: [1] })];

  expect(reverseNodes(nodes)).toEqual([
    { id: 'c', required: false, needs: [], after: [] },
    { id: 'b', required: false, needs: [], after: [0] },
    { id: 'a', required: false, needs: [], after: [1, 0] },
  ]);
});

it.each([
  ['failed', 'auth failed'],
  ['timeout', 'auth timed out'],
  ['canceled', 'auth was canceled'],
  ['notReached', 'auth is not up'],
] as const)('says of %s: %s', (outcome, text) => {
  expect(describeLoss('auth', outcome)).toBe(text);
});
