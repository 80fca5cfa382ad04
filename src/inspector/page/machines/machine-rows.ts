import type { MachineDescription, StateDescription } from '../../../core/machine-records.ts';
import type { Place, Point } from '../chart/chart-place.ts';
import { nestMachines, type MachinePlace } from './machine-history.ts';
import { layoutMachine, type MachineEdge } from './machine-layout.ts';

/** A machine in its row of the chart. */
export interface MachineRow extends MachinePlace {
  readonly title: Point;
  readonly states: readonly { readonly state: StateDescription; readonly place: Place }[];
  readonly edges: readonly MachineEdge[];
}

/** All machines, one below the other. */
export interface RowLayout {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly MachineRow[];
  /** The lines from each machine to those that it begins. */
  readonly links: readonly (readonly Point[])[];
  /** By {@link nameNode}, in the order of the page. */
  readonly places: ReadonlyMap<string, Place>;
}

const margin = 12;
const indent = 14;
const titleHeight = 23;
const rowGap = 16;

/** The name of a state among all machines. */
export function nameNode(machine: string, state: string): string {
  return `${machine} ${state}`;
}

/** Lays all machines out: each behind the one that begins it, and indented. */
export function layoutRows(machines: readonly MachineDescription[], isNarrow = false): RowLayout {
  const rows: MachineRow[] = [];
  const places = new Map<string, Place>();
  let [width, y] = [0, 10];
  for (const place of nestMachines(machines)) {
    const { machine, depth } = place;
    const drawing = layoutMachine(machine, isNarrow);
    const left = margin + depth * indent;
    // The lines to the machines below go down beside the states.
    const inner = left + indent;
    const top = y + titleHeight;
    const shift = <P extends Point>(point: P): P => ({
      ...point,
      x: point.x + inner,
      y: point.y + top,
    });
    const states = machine.states.flatMap((state) => {
      const found = drawing.places.get(state.name);
      return found ? [{ state, place: shift(found) }] : [];
    });
    for (const { state, place: at } of states) places.set(nameNode(machine.id, state.name), at);
    const edges = drawing.edges.map((edge) => ({
      ...edge,
      points: edge.points.map(shift),
      label: shift(edge.label),
    }));
    rows.push({ ...place, title: { x: left, y }, states, edges });
    width = Math.max(width, inner + drawing.width + margin);
    y = top + drawing.height + rowGap;
  }
  const links = rows.flatMap(({ parent, title }) => {
    const above = rows.find(({ machine }) => machine.id === parent?.machine);
    if (!above) return [];
    const x = above.title.x + 4;
    const line = title.y + 10;
    return [
      [
        { x, y: above.title.y + 22 },
        { x, y: line },
        { x: title.x - 3, y: line },
      ],
    ];
  });
  return { width, height: y, rows, links, places };
}
