import type { MachineDescription, StateDescription } from '../../../core/machine-records.ts';
import { measureText } from '../../../insight/exports/svg-text.ts';
import type { Place, Point } from '../chart/chart-place.ts';
import { nameEdge } from './machine-history.ts';

/** All transitions from one state to another. */
export interface MachineEdge {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** The events of its transitions. */
  readonly events: readonly string[];
  readonly points: readonly Point[];
  /** Where the line of its label begins, or has its middle. */
  readonly label: Point & { readonly anchor: 'start' | 'middle' };
}

/** A machine with a place for each of its states. The top left corner is at 0, 0. */
export interface MachineDrawing {
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
  readonly edges: readonly MachineEdge[];
}

const nameSize = 13;
const labelSize = 11;
const boxHeight = 38;
const endHeight = 26;
/** From one ending to the next one below it. */
const railGap = 31;
/** From one arc to the next one above it: a line of text has room between them. */
const arcGap = 17;
/** The space around the name of a state, the least width of its box, and the least gap to the next one. */
const roomy = { padding: 32, narrowestBox: 88, narrowestGap: 40 };
const tight = { padding: 22, narrowestBox: 76, narrowestGap: 34 };

/**
 * Lays a machine out from left to right, as it runs: its states in a row, then its endings below each other. A transition to the
 * next state is a straight line. One to an ending is a rail that all states share. One that skips states is an arc above them, and
 * one that goes back is an arc below them.
 */
export function layoutMachine(machine: MachineDescription, isNarrow = false): MachineDrawing {
  const working = sortByWay(machine);
  const endings = machine.states.filter(({ isFinal }) => isFinal);
  const joined = joinTransitions(machine);
  const columns = new Map(working.map(({ name }, at) => [name, at]));
  const lanes = new Map(endings.map(({ name }, at) => [name, at]));
  const columnOf = (state: string): number => columns.get(state) ?? working.length;
  const laneOf = ({ to }: Joined): number => lanes.get(to) ?? 0;
  const isRail = (edge: Joined): boolean => laneOf(edge) > 0;
  const isStraight = (edge: Joined): boolean =>
    !isRail(edge) && columnOf(edge.to) === columnOf(edge.from) + 1;
  const goesBack = ({ from, to }: Joined): boolean => columnOf(to) < columnOf(from);
  const curved = joined
    .filter((edge) => !isRail(edge) && !isStraight(edge))
    .toSorted((a, b) => span(a) - span(b));
  const arcs = curved.filter((edge) => !goesBack(edge));
  const ways = curved.filter(goesBack);
  const { padding, narrowestBox, narrowestGap } = isNarrow ? tight : roomy;
  // Where a machine goes round, an edge says how often it was taken.
  const countWidth = ways.length > 0 ? measureText(' 99×', labelSize) : 0;
  const top = arcs.length * arcGap + (arcs.length > 0 ? 6 : 0);
  const middle = top + boxHeight / 2;

  const places = new Map<string, Place>();
  let x = 0;
  for (const [at, { name }] of working.entries()) {
    const width = Math.max(narrowestBox, measureText(name, nameSize) + padding);
    places.set(name, { x, y: top, width, height: boxHeight });
    const next = joined.find((edge) => edge.from === name && isStraight(edge));
    const isLast = at === working.length - 1;
    const gaps = [
      narrowestGap,
      (next ? measureLabel(next, isNarrow) + countWidth : 0) + 12,
      // The label of a rail begins below its state, and must not end on the ending.
      ...joined
        .filter((edge) => isLast && edge.from === name && isRail(edge))
        .map((edge) => measureLabel(edge, isNarrow) + 22 - (width * laneOf(edge)) / endings.length),
    ];
    x += width + (isLast && endings.length === 0 ? 0 : Math.max(...gaps));
  }
  const endWidth = Math.max(...endings.map(({ name }) => measureText(name, nameSize) + 40), 80);
  for (const [lane, { name }] of endings.entries()) {
    const y = middle - endHeight / 2 + (lane === 0 ? 0 : 5 + lane * railGap);
    places.set(name, { x, y, width: endWidth, height: endHeight });
  }
  const width = endings.length > 0 ? x + endWidth : x;
  const last = endings.at(-1);
  const bottom = (last && places.get(last.name)?.y) ?? 0;
  const under = Math.max(top + boxHeight, endings.length > 1 ? bottom + endHeight : 0);
  const height = Math.max(under + ways.length * arcGap, bottom + endHeight);
  const edges = joined.map((edge) => ({
    ...edge,
    name: nameEdge(edge.from, edge.to),
    ...draw(edge),
  }));
  return { width, height, places, edges };

  function span({ from, to }: Joined): number {
    return Math.abs(columnOf(to) - columnOf(from));
  }

  function draw(edge: Joined): Pick<MachineEdge, 'points' | 'label'> {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    if (!from || !to) return { points: [], label: { x: 0, y: 0, anchor: 'start' } };
    const end = { x: to.x, y: to.y + to.height / 2 };
    if (isStraight(edge)) {
      const start = { x: from.x + from.width, y: middle };
      const label = { x: (start.x + end.x) / 2, y: middle - 6, anchor: 'middle' } as const;
      return { points: [start, end], label };
    }
    if (isRail(edge)) {
      // The deepest rail begins farthest to the left: no state crosses its own lines.
      const start =
        from.x + (from.width * (endings.length - (lanes.get(edge.to) ?? 0))) / endings.length;
      const points = [{ x: start, y: from.y + from.height }, { x: start, y: end.y }, end];
      return { points, label: { x: start + 8, y: end.y - 4, anchor: 'start' } };
    }
    return goesBack(edge)
      ? drawBack(from, to, ways.indexOf(edge))
      : drawArc(from, to, arcs.indexOf(edge));
  }

  function drawArc(from: Place, to: Place, level: number): Pick<MachineEdge, 'points' | 'label'> {
    const y = top - 8 - level * arcGap;
    const start = from.x + from.width - 14 - level * 8;
    const target = to.x + 14 + level * 8;
    return {
      points: [
        { x: start, y: from.y },
        { x: start, y },
        { x: target, y },
        { x: target, y: to.y },
      ],
      label: { x: start + 8, y: y - 4, anchor: 'start' },
    };
  }

  function drawBack(from: Place, to: Place, level: number): Pick<MachineEdge, 'points' | 'label'> {
    const y = under + (level + 1) * arcGap;
    const start = from.x + 14 + level * 8;
    const target = to.x + to.width - 14 - level * 8;
    return {
      points: [
        { x: start, y: from.y + from.height },
        { x: start, y },
        { x: target, y },
        { x: target, y: to.y + to.height },
      ],
      label: { x: target + 8, y: y - 4, anchor: 'start' },
    };
  }
}

interface Joined {
  readonly from: string;
  readonly to: string;
  readonly events: readonly string[];
}

/** All transitions from one state to another are one edge; those that stay in their state have none. */
function joinTransitions({ states }: MachineDescription): readonly Joined[] {
  const joined = new Map<string, Joined>();
  for (const { name: from, transitions = [] } of states) {
    for (const { event, target: to } of transitions) {
      if (to === undefined || to === from) continue;
      const key = nameEdge(from, to);
      joined.set(key, { from, to, events: [...(joined.get(key)?.events ?? []), event] });
    }
  }
  return [...joined.values()];
}

function measureLabel({ events }: Joined, isNarrow: boolean): number {
  return Math.max(...events.map((event) => measureText(writeEvent(event, isNarrow), labelSize)));
}

/** Writes the name of an event for its edge. Where there is little room, the state says what is done: `done` for `done.launch`. */
export function writeEvent(event: string, isNarrow: boolean): string {
  return isNarrow ? (event.split('.', 1)[0] ?? event) : event;
}

/** Sorts the states that are no endings so that each comes before those that it leads to, the first way first. */
function sortByWay({ initial, states }: MachineDescription): readonly StateDescription[] {
  const seen = new Set<string>();
  const sorted: StateDescription[] = [];
  const walk = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const state = states.find((each) => each.name === name);
    for (const { target } of state?.transitions?.toReversed() ?? []) {
      if (target !== undefined) walk(target);
    }
    if (state && !state.isFinal) sorted.unshift(state);
  };
  walk(initial);
  return [...sorted, ...states.filter(({ name, isFinal }) => !isFinal && !seen.has(name))];
}
